using MailGrains.Storage;
using MailGrains.Storage.Tables;
using Xunit;

namespace MailGrains.Testing.Stores;

/// <summary>
/// What every <see cref="ITableStore"/> does with conditions, atomicity and ETags. Bind it by deriving a class that gives the store;
/// tests use partitions of their own, so one store may serve all of them at once.
/// </summary>
public abstract class TableStoreContract
{
    /// <summary>A store that has the tables of <see cref="TableNames"/>.</summary>
    protected abstract ITableStore Store { get; }

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A partition key that no other test uses.</summary>
    protected string Partition { get; } = "contract:" + Guid.NewGuid().ToString("N");

    protected static Dictionary<string, TableValue> Value(string text) => new() { ["v"] = text };

    protected ValueTask<TableCommit> CommitAsync(params TableOperation[] operations) =>
        Store.CommitAsync(TableNames.Mail, Partition, operations, Token);

    protected ValueTask<TableRow?> ReadAsync(string row) => Store.ReadAsync(TableNames.Mail, Partition, row, Token);

    protected async Task<string> CommittedAsync(TableOperation operation)
    {
        var commit = await CommitAsync(operation);
        Assert.True(commit.Committed);
        return Assert.Single(commit.ETags);
    }

    protected async Task<string[]> KeysAsync(KeyRange range) =>
        await Store.ReadRowsAsync(TableNames.Mail, Partition, range, Token).Select(r => r.Row).ToArrayAsync(Token);

    [Fact]
    public async Task AMissingRowReadsAsNull()
    {
        Assert.Null(await ReadAsync("absent"));
        Assert.Empty(await KeysAsync(KeyRange.All));
    }

    [Fact]
    public async Task EveryKindOfValueComesBackAsItWas()
    {
        var bytes = new byte[70];
        Random.Shared.NextBytes(bytes);
        Dictionary<string, TableValue> written = new()
        {
            ["text"] = "snowman ☃, clef 𝄞, quote \" and \\ and\r\n\t<&>",
            ["emptyText"] = "",
            ["bytes"] = bytes,
            ["emptyBytes"] = Array.Empty<byte>(),
            ["zero"] = 0L,
            ["least"] = long.MinValue,
            ["most"] = long.MaxValue,
            ["small"] = 7L,
        };
        var etag = await CommittedAsync(TableOperation.Insert("kinds", written));

        var row = await ReadAsync("kinds");
        Assert.NotNull(row);
        Assert.Equal((Partition, "kinds", etag), (row.Partition, row.Row, row.ETag));
        AssertProperties(written, row.Properties);
        AssertProperties(written, (await Store.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.All, Token).SingleAsync(Token)).Properties);
    }

    [Fact]
    public async Task ARowWithoutPropertiesIsARow()
    {
        await CommittedAsync(TableOperation.Insert("bare", new Dictionary<string, TableValue>()));
        Assert.Empty((await ReadAsync("bare"))!.Properties);
    }

    [Fact]
    public async Task InsertOfARowThatExistsConflictsAndKeepsIt()
    {
        var etag = await CommittedAsync(TableOperation.Insert("r", Value("first")));
        AssertConflict(await CommitAsync(TableOperation.Insert("r", Value("second"))), 0);
        Assert.Equal(("first", etag), ((await ReadAsync("r"))!.Text("v"), (await ReadAsync("r"))!.ETag));
    }

    [Fact]
    public async Task ReplaceNeedsTheETagOfTheCurrentVersion()
    {
        AssertConflict(await CommitAsync(TableOperation.Replace("r", Value("none yet"), "1")), 0);
        AssertConflict(await CommitAsync(TableOperation.Replace("r", Value("none yet"), TableOperation.Any)), 0);
        var first = await CommittedAsync(TableOperation.Insert("r", Value("1")));
        var second = await CommittedAsync(TableOperation.Replace("r", Value("2"), first));
        AssertConflict(await CommitAsync(TableOperation.Replace("r", Value("3"), first)), 0);
        Assert.Equal("2", (await ReadAsync("r"))!.Text("v"));
        await CommittedAsync(TableOperation.Replace("r", Value("3"), second));
        await CommittedAsync(TableOperation.Replace("r", Value("4"), TableOperation.Any));
        Assert.Equal("4", (await ReadAsync("r"))!.Text("v"));
    }

    [Fact]
    public async Task ReplaceAndUpsertLeaveNoPropertyOfTheVersionBefore()
    {
        var etag = await CommittedAsync(TableOperation.Insert("r", new Dictionary<string, TableValue> { ["a"] = "1", ["b"] = 2L }));
        await CommittedAsync(TableOperation.Replace("r", new Dictionary<string, TableValue> { ["b"] = "two", ["c"] = 3L }, etag));
        Assert.Equal(["b", "c"], (await ReadAsync("r"))!.Properties.Keys.Order());
        await CommittedAsync(TableOperation.Upsert("r", new Dictionary<string, TableValue> { ["d"] = 4L }));
        Assert.Equal(["d"], (await ReadAsync("r"))!.Properties.Keys);
    }

    [Fact]
    public async Task UpsertWritesWhetherTheRowExistsOrNot()
    {
        var first = await CommittedAsync(TableOperation.Upsert("r", Value("1")));
        Assert.Equal("1", (await ReadAsync("r"))!.Text("v"));
        var second = await CommittedAsync(TableOperation.Upsert("r", Value("2")));
        Assert.NotEqual(first, second);
        Assert.Equal(("2", second), ((await ReadAsync("r"))!.Text("v"), (await ReadAsync("r"))!.ETag));
    }

    [Fact]
    public async Task DeleteNeedsARowOfItsETag()
    {
        AssertConflict(await CommitAsync(TableOperation.Delete("r")), 0);
        var first = await CommittedAsync(TableOperation.Insert("r", Value("1")));
        var second = await CommittedAsync(TableOperation.Upsert("r", Value("2")));
        AssertConflict(await CommitAsync(TableOperation.Delete("r", first)), 0);
        Assert.NotNull(await ReadAsync("r"));
        Assert.Equal("", await CommittedAsync(TableOperation.Delete("r", second)));
        Assert.Null(await ReadAsync("r"));
        await CommittedAsync(TableOperation.Insert("r", Value("3")));
        await CommittedAsync(TableOperation.Delete("r"));
        AssertConflict(await CommitAsync(TableOperation.Delete("r")), 0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(4)]
    public async Task AConditionThatFailsLeavesNothingOfItsTransaction(int failing)
    {
        var old = await CommittedAsync(TableOperation.Insert("replaced", Value("old")));
        await CommittedAsync(TableOperation.Insert("deleted", Value("old")));
        List<TableOperation> operations =
        [
            TableOperation.Replace("replaced", Value("new"), old),
            TableOperation.Delete("deleted"),
            TableOperation.Upsert("upserted", Value("new")),
            TableOperation.Insert("inserted", Value("new")),
        ];
        await CommittedAsync(TableOperation.Insert("there", Value("old")));
        operations.Insert(failing, TableOperation.Insert("there", Value("new")));

        AssertConflict(await CommitAsync([.. operations]), failing);
        Assert.Equal(["deleted", "replaced", "there"], await KeysAsync(KeyRange.All));
        Assert.Equal(("old", old), ((await ReadAsync("replaced"))!.Text("v"), (await ReadAsync("replaced"))!.ETag));

        operations.RemoveAt(failing);
        var commit = await CommitAsync([.. operations]);
        Assert.True(commit.Committed);
        Assert.Equal(4, commit.ETags.Count);
        Assert.Equal("", commit.ETags[1]);
        Assert.Equal(["inserted", "replaced", "there", "upserted"], await KeysAsync(KeyRange.All));
        Assert.Equal(commit.ETags[0], (await ReadAsync("replaced"))!.ETag);
        Assert.Equal(commit.ETags[2], (await ReadAsync("upserted"))!.ETag);
        Assert.Equal(commit.ETags[3], (await ReadAsync("inserted"))!.ETag);
    }

    [Fact]
    public async Task AnETagNeverComesBack()
    {
        HashSet<string> seen = [];
        for (var i = 0; i < 10; i++)
        {
            Assert.True(seen.Add(await CommittedAsync(TableOperation.Insert("r", Value("same")))));
            var latest = await CommittedAsync(TableOperation.Upsert("r", Value("same")));
            Assert.True(seen.Add(latest));
            Assert.True(seen.Add(await CommittedAsync(TableOperation.Replace("r", Value("same"), latest))));
            await CommittedAsync(TableOperation.Delete("r"));
        }
    }

    [Fact]
    public async Task TablesAndPartitionsAreApart()
    {
        await CommittedAsync(TableOperation.Insert("r", Value("mail")));
        var directory = await Store.CommitAsync(TableNames.Directory, Partition, [TableOperation.Insert("r", Value("directory"))], Token);
        var neighbour = await Store.CommitAsync(TableNames.Mail, Partition + "0", [TableOperation.Insert("r", Value("neighbour"))], Token);
        Assert.True(directory.Committed && neighbour.Committed);
        Assert.Equal("mail", (await ReadAsync("r"))!.Text("v"));
        Assert.Equal("directory", (await Store.ReadAsync(TableNames.Directory, Partition, "r", Token))!.Text("v"));
        Assert.Equal(["r"], await KeysAsync(KeyRange.All));
    }

    [Fact]
    public async Task ParallelIncrementsUnderIfMatchLoseNothing()
    {
        const int Writers = 6, Each = 10;
        await CommittedAsync(TableOperation.Insert("n", new Dictionary<string, TableValue> { ["n"] = 0L }));
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => Task.Run(async () =>
        {
            for (var done = 0; done < Each;)
            {
                var row = (await ReadAsync("n"))!;
                Dictionary<string, TableValue> next = new() { ["n"] = row.Number("n")!.Value + 1 };
                done += (await CommitAsync(TableOperation.Replace("n", next, row.ETag))).Committed ? 1 : 0;
            }
        })));
        Assert.Equal(Writers * Each, (await ReadAsync("n"))!.Number("n"));
    }

    [Fact]
    public async Task OfParallelInsertsOfOneRowExactlyOneWins()
    {
        var commits = await Task.WhenAll(Enumerable.Range(0, 16).Select(i =>
            Task.Run(async () => (Number: i, Result: await CommitAsync(TableOperation.Insert("r", Value($"{i}")))))));
        var winner = Assert.Single(commits, c => c.Result.Committed);
        Assert.Equal($"{winner.Number}", (await ReadAsync("r"))!.Text("v"));
    }

    [Fact]
    public async Task ARefusedCallerTakesNoOtherWithIt()
    {
        var tooLong = new byte[TableLimits.MaxPropertyBytes + 1];
        var good = Enumerable.Range(0, 20).Select(i => CommitAsync(TableOperation.Insert($"good{i:D2}", Value("v"))).AsTask()).ToList();
        var bad = CommitAsync(TableOperation.Insert("bad", new Dictionary<string, TableValue> { ["v"] = tooLong })).AsTask();
        good.AddRange(Enumerable.Range(20, 20).Select(i => CommitAsync(TableOperation.Insert($"good{i:D2}", Value("v"))).AsTask()));

        Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(() => bad)).Failure);
        Assert.All(await Task.WhenAll(good), c => Assert.True(c.Committed));
        Assert.Equal(40, (await KeysAsync(KeyRange.All)).Length);
    }

    [Fact]
    public async Task ACallCancelledBeforeItStartsWritesNothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.CommitAsync(
            TableNames.Mail, Partition, [TableOperation.Insert("r", Value("v"))], cancelled.Token));
        Assert.Null(await ReadAsync("r"));
    }

    protected static void AssertProperties(
        IReadOnlyDictionary<string, TableValue> expected, IReadOnlyDictionary<string, TableValue> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        foreach (var (name, value) in expected)
        {
            Assert.Equal((name, value.Kind), (name, actual[name].Kind));
            Assert.Equal(value.AsText, actual[name].AsText);
            Assert.Equal(value.AsNumber, actual[name].AsNumber);
            Assert.Equal(value.AsBytes?.ToArray(), actual[name].AsBytes?.ToArray());
        }
    }

    private static void AssertConflict(TableCommit commit, int failing)
    {
        Assert.False(commit.Committed);
        Assert.Empty(commit.ETags);
        Assert.True(commit.FailedOperation == failing || commit.FailedOperation == -1, $"operation {commit.FailedOperation} was named");
    }
}
