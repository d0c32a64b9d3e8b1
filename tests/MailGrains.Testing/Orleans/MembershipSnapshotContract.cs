using MailGrains.Storage.Tables;
using Orleans;
using Orleans.Runtime;
using Orleans.Storage;
using Xunit;
using static MailGrains.Testing.Orleans.Silos;

namespace MailGrains.Testing.Orleans;

/// <summary>A read of the membership table is of one version, however many pages it takes; and how the rows look.</summary>
public abstract class MembershipSnapshotContract
{
    private const string Table = "OrleansSiloInstances";

    protected abstract ITableStore Store { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task MoreThanAThousandSilosAreReadAsOneVersion()
    {
        const int Count = 1050, Changes = 5;
        using var orleans = await InitializedAsync(Store);
        await FillAsync(orleans, Count);
        var read = await orleans.Membership.ReadAllAsync(Cancellation);
        for (var change = 1; change <= Changes; change++)
        {
            // Odd changes mark the first silo of the partition, even ones the last; the version tells which marks a snapshot must show.
            var version = read.Version;
            var (silo, etag) = read.TryGet(Address(change % 2 == 1 ? 0 : Count - 1))!;
            silo.ProxyPort = version.Version + 1;
            var meanwhile = Task.Run(() => orleans.Membership.ReadAllAsync(Cancellation));
            Assert.True(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
            AssertIsOneVersion(await meanwhile);
            read = await orleans.Membership.ReadAllAsync(Cancellation);
            Assert.Equal(version.Version + 1, read.Version.Version);
            AssertIsOneVersion(read);
        }

        static void AssertIsOneVersion(MembershipTableData read)
        {
            Assert.Equal(Count, read.Members.Count);
            var marks = read.Members.Select(member => member.Item1.ProxyPort).Where(port => port < 30000).DefaultIfEmpty(1);
            Assert.Equal(read.Version.Version, marks.Max());
        }
    }

    [Fact]
    public async Task AChangeBetweenTwoPagesIsReadAgain()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        await InsertAsync(orleans, Silo(2));
        var changes = 0;
        using var paged = new OrleansOnStore(
            new PagingTableStore(Store, firstPage: 2, () => changes++ == 0 ? KillAsync(orleans, 1) : Task.CompletedTask), orleans.ClusterId);

        var read = await paged.Membership.ReadAllAsync(Cancellation);
        Assert.Equal(2, changes);
        Assert.Equal(3, read.Version.Version);
        Assert.Equal(SiloStatus.Dead, read.TryGet(Address(1))!.Item1.Status);
    }

    [Fact]
    public async Task AHeartbeatBetweenTwoPagesCostsNoSecondRead()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        var pages = 0;
        using var paged = new OrleansOnStore(
            new PagingTableStore(Store, firstPage: 2, () =>
            {
                pages++;
                return orleans.Membership.UpdateIAmAliveAsync(Silo(1), Cancellation);
            }),
            orleans.ClusterId);
        Assert.Equal(1, (await paged.Membership.ReadAllAsync(Cancellation)).Version.Version);
        Assert.Equal(1, pages);
    }

    [Fact]
    public async Task ATableThatChangesDuringEachReadIsAnError()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        using var paged = new OrleansOnStore(new PagingTableStore(Store, firstPage: 2, () => KillAsync(orleans, 1)), orleans.ClusterId);
        await Assert.ThrowsAsync<InconsistentStateException>(() => paged.Membership.ReadAllAsync(Cancellation));
    }

    [Fact]
    public async Task RowsOfAReleaseWithoutBoundaryRowsAreReadAndGetThemWithTheNextChange()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        var deleted = await Store.CommitAsync(
            Table, orleans.ClusterId, [TableOperation.Delete("!Start"), TableOperation.Delete("~End")], Cancellation);
        Assert.True(deleted.Committed);

        Assert.Single((await orleans.Membership.ReadAllAsync(Cancellation)).Members);
        Assert.True(await InsertAsync(orleans, Silo(2)));
        Assert.Equal(["!Start", "10.0.0.1-11111-1", "10.0.0.2-11111-2", "VersionRow", "~End"], await KeysAsync(orleans));
    }

    [Fact]
    public async Task AReleaseWithoutBoundaryRowsMayMoveTheVersionAlone()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        await Store.CommitAsync(
            Table,
            orleans.ClusterId,
            [
                TableOperation.Upsert("VersionRow", new Dictionary<string, TableValue> { ["DeploymentId"] = orleans.ClusterId, ["MembershipVersion"] = "7" }),
            ],
            Cancellation);
        Assert.Equal(7, (await orleans.Membership.ReadAllAsync(Cancellation)).Version.Version);
    }

    [Fact]
    public async Task AnUnreadableRowHidesNoOther()
    {
        using var orleans = await InitializedAsync(Store);
        await InsertAsync(orleans, Silo(1));
        await Store.CommitAsync(
            Table,
            orleans.ClusterId,
            [TableOperation.Insert("10.0.0.9-11111-9", new Dictionary<string, TableValue> { ["Address"] = "10.0.0.9", ["Status"] = "Perhaps" })],
            Cancellation);
        Assert.Single((await orleans.Membership.ReadAllAsync(Cancellation)).Members);
        Assert.Single(await orleans.Gateways.GetGatewaysAsync(Cancellation));
    }

    [Fact]
    public async Task TheRowsLookAsOrleansOwnProviderWritesThem()
    {
        using var orleans = await InitializedAsync(Store);
        var silo = Silo(1);
        silo.AddSuspector(Address(7), Noon.AddMinutes(1));
        silo.AddSuspector(Address(8), Noon.AddMinutes(2));
        await InsertAsync(orleans, silo);

        Assert.Equal(["!Start", "10.0.0.1-11111-1", "VersionRow", "~End"], await KeysAsync(orleans));
        Assert.Equal(
            new Dictionary<string, string?> { ["DeploymentId"] = orleans.ClusterId, ["MembershipVersion"] = "1" },
            await TextsAsync(orleans, "VersionRow"));
        foreach (var boundary in new[] { "!Start", "~End" })
        {
            Assert.Equal(
                new Dictionary<string, string?> { ["DeploymentId"] = orleans.ClusterId, ["MembershipVersion"] = "1", ["Status"] = "Active" },
                await TextsAsync(orleans, boundary));
        }

        Assert.Equal(
            new Dictionary<string, string?>
            {
                ["DeploymentId"] = orleans.ClusterId,
                ["Address"] = "10.0.0.1",
                ["Port"] = "11111",
                ["Generation"] = "1",
                ["HostName"] = "host1",
                ["Status"] = "Active",
                ["ProxyPort"] = "30001",
                ["SiloName"] = "silo1",
                ["InstanceName"] = "silo1",
                ["UpdateZone"] = "0",
                ["FaultZone"] = "0",
                ["SuspectingSilos"] = "10.0.0.7:11111@7|10.0.0.8:11111@8",
                ["SuspectingTimes"] = "2026-03-04 12:01:00.125 GMT|2026-03-04 12:02:00.125 GMT",
                ["StartTime"] = "2026-03-04 12:00:00.125 GMT",
                ["IAmAliveTime"] = "2026-03-04 12:00:01.125 GMT",
            },
            await TextsAsync(orleans, "10.0.0.1-11111-1"));
    }

    private static async Task KillAsync(OrleansOnStore orleans, int number)
    {
        var (silo, etag, version) = await ReadAsync(orleans, number);
        silo.Status = SiloStatus.Dead;
        Assert.True(await orleans.Membership.UpdateRowAsync(silo, etag, version.Next(), Cancellation));
    }

    /// <summary>Silos written past the provider, a hundred a transaction: copies of one that it wrote.</summary>
    private async Task FillAsync(OrleansOnStore orleans, int count)
    {
        await InsertAsync(orleans, Silo(0));
        var model = await Store.ReadAsync(Table, orleans.ClusterId, "10.0.0.0-11111-0", Cancellation);
        foreach (var batch in Enumerable.Range(1, count - 1).Chunk(100))
        {
            var commit = await Store.CommitAsync(Table, orleans.ClusterId, [.. batch.Select(Insert)], Cancellation);
            Assert.True(commit.Committed);
        }

        TableOperation Insert(int number)
        {
            var endpoint = Address(number).Endpoint;
            return TableOperation.Insert($"{endpoint.Address}-11111-{number}", new Dictionary<string, TableValue>(model!.Properties)
            {
                ["Address"] = endpoint.Address.ToString(),
                ["Generation"] = $"{number}",
                ["Status"] = number % 3 == 2 ? "Dead" : "Active",
            });
        }
    }

    private async Task<List<string>> KeysAsync(OrleansOnStore orleans)
    {
        var keys = new List<string>();
        await foreach (var row in Store.ReadRowsAsync(Table, orleans.ClusterId, KeyRange.All, Cancellation))
        {
            keys.Add(row.Row);
        }

        return keys;
    }

    private async Task<Dictionary<string, string?>> TextsAsync(OrleansOnStore orleans, string key)
    {
        var row = await Store.ReadAsync(Table, orleans.ClusterId, key, Cancellation);
        return row!.Properties.ToDictionary(property => property.Key, property => property.Value.AsText);
    }
}
