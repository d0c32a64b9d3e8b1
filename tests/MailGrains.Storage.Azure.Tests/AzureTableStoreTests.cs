using Azure.Data.Tables;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Metrics;

namespace MailGrains.Storage.Azure.Tests;

public sealed class AzureTableStoreTests(AzuriteFixture azurite)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ACommitIsOneRequestHoweverManyRowsItHas()
    {
        using var meters = new MeasuredMeters();
        var tables = (await azurite.Server.OpenStoresAsync(meters)).Directory.Tables;
        TableOperation[][] commits =
        [
            [TableOperation.Insert("h", Value(1))],
            [TableOperation.Upsert("h", Value(2))],
            [TableOperation.Delete("h")],
            [TableOperation.Insert("h", Value(3)), TableOperation.Insert("j:1", Value(3)), TableOperation.Insert("m:1", Value(3))],
            [.. Enumerable.Range(0, 100).Select(i => TableOperation.Insert($"b:{i:D3}", Value(i)))],
        ];
        foreach (var operations in commits)
        {
            var before = meters.Sum(StoreMetrics.RequestsName);
            Assert.True((await tables.CommitAsync(TableNames.Mail, "p", operations, Token)).Committed);
            Assert.Equal(1, meters.Sum(StoreMetrics.RequestsName) - before);
        }

        Assert.Equal(commits.Length, meters.Sum(StoreMetrics.CommitsName, "store=azure", "outcome=committed") - 2);
    }

    [Fact]
    public async Task RowsOfOtherToolsAreReadWhateverTypesTheyHave()
    {
        var account = azurite.Server.NewAccount();
        var tables = (await azurite.Server.OpenStoresAsync(null, account)).Directory.Tables;
        var client = new TableClient(account.ConnectionString, TableNames.Mail);
        await client.AddEntityAsync(
            new TableEntity("p", "r")
            {
                ["int"] = 7,
                ["long"] = 1L << 40,
                ["bool"] = true,
                ["double"] = 1.5,
                ["whole"] = 2.0,
                ["nan"] = double.NaN,
                ["time"] = new DateTimeOffset(2026, 10, 1, 12, 0, 0, TimeSpan.Zero),
                ["guid"] = Guid.Empty,
                ["bytes"] = new byte[] { 1, 2 },
                ["text"] = "2026-10-01T12:00:00Z",
            },
            Token);
        var row = (await tables.ReadAsync(TableNames.Mail, "p", "r", Token))!;
        Assert.Equal(10, row.Properties.Count);
        Assert.Equal((7L, 1L << 40), (row.Number("int"), row.Number("long")));
        Assert.Equal(("true", "1.5", "2", "NaN"), (row.Text("bool"), row.Text("double"), row.Text("whole"), row.Text("nan")));
        Assert.Equal("2026-10-01T12:00:00.0000000+00:00", row.Text("time"));
        Assert.Equal(Guid.Empty.ToString(), row.Text("guid"));
        Assert.Equal([1, 2], row.Bytes("bytes")!.Value.ToArray());
        Assert.Equal("2026-10-01T12:00:00Z", row.Text("text"));
        Assert.Equal(row.Properties.Count, (await tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token).SingleAsync(Token)).Properties.Count);
    }

    [Fact]
    public async Task AKeyIsNeverReadAsPartOfAFilter()
    {
        var tables = (await azurite.Server.OpenStoresAsync()).Directory.Tables;
        foreach (var partition in new[] { "a", "b", "a' or PartitionKey ne '" })
        {
            await tables.CommitAsync(TableNames.Mail, partition, [TableOperation.Insert("x' or RowKey ne '", Value(1)), TableOperation.Insert("y", Value(2))], Token);
        }

        foreach (var range in new[] { KeyRange.Exactly("x' or RowKey ne '"), KeyRange.Between("x", "x' or RowKey ne 'x"), new(null, false, "y", false) })
        {
            var rows = await tables.ReadRowsAsync(TableNames.Mail, "a' or PartitionKey ne '", range, Token).ToListAsync(Token);
            var row = Assert.Single(rows);
            Assert.Equal(("a' or PartitionKey ne '", "x' or RowKey ne '"), (row.Partition, row.Row));
        }

        Assert.Equal(2, await tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.Exactly("a' or PartitionKey ne '"), Token).CountAsync(Token));
    }

    [Fact]
    public async Task ATableIsMadeWhenItIsFirstWrittenAndMissedWhenItVanishes()
    {
        var account = azurite.Server.NewAccount();
        var tables = (await azurite.Server.OpenStoresAsync(null, account)).Directory.Tables;
        Assert.Null(await tables.ReadAsync("OrleansReminders", "p", "r", Token));
        Assert.Equal(0, await tables.ReadPartitionsAsync("OrleansReminders", KeyRange.All, Token).CountAsync(Token));
        var commit = await tables.CommitAsync("OrleansReminders", "p", [TableOperation.Insert("r", Value(1)), TableOperation.Insert("s", Value(1))], Token);
        Assert.True(commit.Committed);
        Assert.NotNull(await tables.ReadAsync("OrleansReminders", "p", "r", Token));

        await new TableClient(account.ConnectionString, "OrleansReminders").DeleteAsync(Token);
        async Task AssertMissedAsync(Func<Task> call) =>
            Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(call)).Failure);
        await AssertMissedAsync(() => tables.ReadAsync("OrleansReminders", "p", "r", Token).AsTask());
        await AssertMissedAsync(() => tables.ReadPartitionsAsync("OrleansReminders", KeyRange.All, Token).CountAsync(Token).AsTask());
        await AssertMissedAsync(() => tables.CommitAsync("OrleansReminders", "p", [TableOperation.Insert("r", Value(1))], Token).AsTask());
    }

    private static Dictionary<string, TableValue> Value(long number) => new() { ["v"] = number };
}
