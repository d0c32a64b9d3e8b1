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

    private static Dictionary<string, TableValue> Value(long number) => new() { ["v"] = number };
}
