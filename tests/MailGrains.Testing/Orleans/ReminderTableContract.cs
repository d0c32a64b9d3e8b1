using CsCheck;
using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;
using Xunit;

namespace MailGrains.Testing.Orleans;

/// <summary>What Orleans 10.4 asks of a reminder table, and how the rows look; bound to every store.</summary>
public abstract class ReminderTableContract
{
    private const string Table = "OrleansReminders";
    private static readonly DateTime Noon = new(2026, 3, 4, 12, 0, 0, 125, DateTimeKind.Utc);

    protected abstract ITableStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("wake", "a")]
    [InlineData("a/b\\c#d?e", "tenant/mail?box#1\\x")]
    [InlineData("grüße 日本", "ключ")]
    [InlineData("with-dashes-", "-")]
    public async Task AReminderIsReadAsItWasWritten(string name, string key)
    {
        using var orleans = new OrleansOnStore(Store);
        await orleans.Reminders.StartAsync(Cancellation);
        var entry = Reminder(key, name);
        var etag = await orleans.Reminders.UpsertRow(entry, Cancellation);

        foreach (var read in new[]
        {
            await orleans.Reminders.ReadRow(entry.GrainId, name, Cancellation),
            Assert.Single((await orleans.Reminders.ReadRows(entry.GrainId, Cancellation)).Reminders),
            Assert.Single((await orleans.Reminders.ReadRows(0, 0, Cancellation)).Reminders),
        })
        {
            Assert.Equal((entry.GrainId, name, entry.StartAt, entry.Period), (read!.GrainId, read.ReminderName, read.StartAt, read.Period));
            Assert.Equal(etag, read.ETag);
            Assert.Equal(DateTimeKind.Utc, read.StartAt.Kind);
        }

        Assert.True(await orleans.Reminders.RemoveRow(entry.GrainId, name, etag!, Cancellation));
        Assert.Null(await orleans.Reminders.ReadRow(entry.GrainId, name, Cancellation));
    }

    [Fact]
    public async Task WhatIsNotThereIsNull()
    {
        using var orleans = new OrleansOnStore(Store);
        await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        Assert.Null(await orleans.Reminders.ReadRow(Grain("a"), "sleep", Cancellation));
        Assert.Null(await orleans.Reminders.ReadRow(Grain("b"), "wake", Cancellation));
        Assert.Empty((await orleans.Reminders.ReadRows(Grain("b"), Cancellation)).Reminders);
    }

    [Fact]
    public async Task AnUpsertReplacesAndChangesTheETag()
    {
        using var orleans = new OrleansOnStore(Store);
        var entry = Reminder("a", "wake");
        var first = await orleans.Reminders.UpsertRow(entry, Cancellation);
        var same = await orleans.Reminders.UpsertRow(entry, Cancellation);
        entry.Period = TimeSpan.FromHours(30);
        entry.ETag = "nonsense";
        var changed = await orleans.Reminders.UpsertRow(entry, Cancellation);

        Assert.Equal(3, new HashSet<string?> { first, same, changed }.Count);
        var read = Assert.Single((await orleans.Reminders.ReadRows(Grain("a"), Cancellation)).Reminders);
        Assert.Equal((TimeSpan.FromHours(30), changed), (read.Period, read.ETag));
    }

    [Fact]
    public async Task ParallelUpsertsGiveDistinctETags()
    {
        using var orleans = new OrleansOnStore(Store);
        var upserts = Enumerable.Range(0, 24).Select(i => Task.Run(() => orleans.Reminders.UpsertRow(Reminder("a", "wake" + (i % 3)), Cancellation)));
        var etags = await Task.WhenAll(upserts);
        Assert.All(etags, Assert.NotNull);
        Assert.Equal(etags.Length, etags.Distinct().Count());
        Assert.Equal(3, (await orleans.Reminders.ReadRows(Grain("a"), Cancellation)).Reminders.Count);
    }

    [Fact]
    public async Task OnlyTheCurrentETagRemoves()
    {
        using var orleans = new OrleansOnStore(Store);
        var old = await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        var current = await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        Assert.False(await orleans.Reminders.RemoveRow(Grain("a"), "wake", old!, Cancellation));
        Assert.False(await orleans.Reminders.RemoveRow(Grain("a"), "sleep", current!, Cancellation));
        Assert.True(await orleans.Reminders.RemoveRow(Grain("a"), "wake", current!, Cancellation));
        Assert.False(await orleans.Reminders.RemoveRow(Grain("a"), "wake", current!, Cancellation));

        // A reminder made anew is another one.
        await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        Assert.False(await orleans.Reminders.RemoveRow(Grain("a"), "wake", current!, Cancellation));
    }

    [Fact]
    public async Task RangesOfTheRingHoldWhatTheirHashesSay()
    {
        using var orleans = new OrleansOnStore(Store);
        var hashes = new Dictionary<string, uint>();
        for (var i = 0; i < 60; i++)
        {
            await orleans.Reminders.UpsertRow(Reminder("grain" + i, "wake"), Cancellation);
            hashes[Grain("grain" + i).ToString()] = Grain("grain" + i).GetUniformHashCode();
        }

        // Bounds anywhere, at a hash, and right beside one.
        var known = hashes.Values.ToArray();
        var bound = Gen.OneOf(
            Gen.UInt, Gen.Select(Gen.Int[0, known.Length - 1], Gen.UInt[0, 2], (i, shift) => unchecked(known[i] + shift - 1)),
            Gen.UInt[0, 1], Gen.UInt[uint.MaxValue - 1, uint.MaxValue]);
        await Gen.Select(bound, bound).SampleAsync(
            async range =>
            {
                var (begin, end) = range;
                var read = await orleans.Reminders.ReadRows(begin, end, Cancellation);
                var expected = hashes.Where(x => begin < end ? x.Value > begin && x.Value <= end : x.Value > begin || x.Value <= end);
                Assert.Equal(expected.Select(x => x.Key).Order(), read.Reminders.Select(x => x.GrainId.ToString()).Order());
            },
            iter: 80,
            threads: 2);

        Assert.Equal(60, (await orleans.Reminders.ReadRows(known[5], known[5], Cancellation)).Reminders.Count);
    }

    [Fact]
    public async Task OtherServicesRemindersAreNotSeen()
    {
        var service = "s" + Guid.NewGuid().ToString("N");
        using var ours = new OrleansOnStore(Store, serviceId: service);
        using var longer = new OrleansOnStore(Store, serviceId: service + "_80");
        await ours.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        for (var i = 0; i < 8; i++)
        {
            await longer.Reminders.UpsertRow(Reminder("b" + i, "wake"), Cancellation);
        }

        Assert.Single((await ours.Reminders.ReadRows(0, 0, Cancellation)).Reminders);
        Assert.Empty((await ours.Reminders.ReadRows(Grain("b1"), Cancellation)).Reminders);
        Assert.Equal(8, (await longer.Reminders.ReadRows(0, 0, Cancellation)).Reminders.Count);
    }

    [Fact]
    public async Task AGrainWhoseIdGoesOnIsAnotherGrain()
    {
        using var orleans = new OrleansOnStore(Store);
        var (shortId, longId) = (Grain("a"), Grain("a-b"));
        await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);

        // Put where both grains would look, as if their hashes were the same.
        var row = await RowAsync(orleans, Reminder("a", "wake"));
        await Store.CommitAsync(
            Table,
            row.Partition,
            [
                TableOperation.Insert("box_a-b-wake", new Dictionary<string, TableValue>(row.Properties) { ["GrainReference"] = longId.ToString() }),
            ],
            Cancellation);
        Assert.Equal(shortId, Assert.Single((await orleans.Reminders.ReadRows(shortId, Cancellation)).Reminders).GrainId);
        Assert.Null(await orleans.Reminders.ReadRow(shortId, "b-wake", Cancellation));
    }

    [Fact]
    public async Task AnUnreadableReminderHidesNoOther()
    {
        using var orleans = new OrleansOnStore(Store);
        await orleans.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        var row = await RowAsync(orleans, Reminder("a", "wake"));
        await Store.CommitAsync(
            Table,
            row.Partition,
            [TableOperation.Insert("box_a-broken", new Dictionary<string, TableValue>(row.Properties) { ["Period"] = "now and then" })],
            Cancellation);
        Assert.Single((await orleans.Reminders.ReadRows(Grain("a"), Cancellation)).Reminders);
        Assert.Single((await orleans.Reminders.ReadRows(0, 0, Cancellation)).Reminders);
    }

    [Fact]
    public async Task ClearingTakesOwnRemindersAlone()
    {
        var service = "s" + Guid.NewGuid().ToString("N");
        using var blue = new OrleansOnStore(Store, serviceId: service);
        using var green = new OrleansOnStore(Store, serviceId: service);
        await blue.Reminders.UpsertRow(Reminder("a", "wake"), Cancellation);
        await blue.Reminders.UpsertRow(Reminder("a", "sleep"), Cancellation);
        await green.Reminders.UpsertRow(Reminder("b", "wake"), Cancellation);
        await blue.Reminders.TestOnlyClearTable(Cancellation);
        Assert.Equal(Grain("b"), Assert.Single((await blue.Reminders.ReadRows(0, 0, Cancellation)).Reminders).GrainId);
    }

    [Fact]
    public async Task TheRowLooksAsOrleansOwnProviderWritesIt()
    {
        using var orleans = new OrleansOnStore(Store);
        var entry = Reminder("tenant/a#1", "wake?up");
        entry.Period = new TimeSpan(1, 2, 3, 4, 5);
        await orleans.Reminders.UpsertRow(entry, Cancellation);
        var hash = entry.GrainId.GetUniformHashCode().ToString("X8");

        var row = await Store.ReadAsync(Table, $"{orleans.ServiceId}_{hash}", "box_tenant_a_1-wake_up", Cancellation);
        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["ServiceId"] = orleans.ServiceId,
                ["DeploymentId"] = orleans.ClusterId,
                ["GrainReference"] = "box/tenant/a#1",
                ["ReminderName"] = "wake?up",
                ["StartAt"] = "2026-03-04 12:00:00.125 GMT",
                ["Period"] = "1.02:03:04.0050000",
                ["GrainRefConsistentHash"] = hash,
            },
            row!.Properties.ToDictionary(property => property.Key, property => property.Value.AsText));
    }

    private static GrainId Grain(string key) => GrainId.Create("box", key);

    private static ReminderEntry Reminder(string key, string name) =>
        new() { GrainId = Grain(key), ReminderName = name, StartAt = Noon, Period = TimeSpan.FromMinutes(5) };

    private async Task<TableRow> RowAsync(OrleansOnStore orleans, ReminderEntry entry)
    {
        var partition = $"{orleans.ServiceId}_{entry.GrainId.GetUniformHashCode():X8}";
        return (await Store.ReadAsync(Table, partition, $"box_{entry.GrainId.Key}-{entry.ReminderName}", Cancellation))!;
    }
}
