using MailGrains.Storage;
using MailGrains.Storage.Tables;
using Xunit;

namespace MailGrains.Testing.Stores;

/// <summary>Every <see cref="ITableStore"/> takes what lies at a limit of <see cref="TableLimits"/> and refuses what lies beyond.</summary>
public abstract class TableLimitsContract
{
    /// <summary>A store that has the tables of <see cref="TableNames"/>.</summary>
    protected abstract ITableStore Store { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Partition { get; } = "contract:" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task ATransactionHoldsAHundredRows()
    {
        await TakesAsync([.. Enumerable.Range(0, 100).Select(i => TableOperation.Insert($"a{i}", Of(("v", 1L))))]);
        await RefusesAsync([.. Enumerable.Range(0, 101).Select(i => TableOperation.Insert($"b{i}", Of(("v", 1L))))]);
        await RefusesAsync();
    }

    [Fact]
    public async Task ATransactionNamesARowOnce() =>
        await RefusesAsync(TableOperation.Upsert("r", Of(("v", 1L))), TableOperation.Upsert("s", Of(("v", 1L))), TableOperation.Upsert("r", Of(("v", 2L))));

    [Fact]
    public async Task ATransactionTakesThreeMebibytesAsEncoded()
    {
        // Rows of 15 full properties; the last row's text makes the sum exact.
        var full = Enumerable.Range(0, 15).ToDictionary(i => $"p{i:D2}", _ => (TableValue)new byte[48 * 1024]);
        TableOperation[] rows = [.. Enumerable.Range(0, 3).Select(i => TableOperation.Insert($"full{i}", full))];
        var left = TableLimits.MaxTransactionBytes - rows.Sum(r => TableLimits.EncodedSize(r.Row, r.Properties));
        var last = new Dictionary<string, TableValue>();
        for (var i = 0; left > 20_000; i++)
        {
            last[$"q{i:D2}"] = new string('x', 20_000);
            left -= 20_000 + 64 + 3;
        }

        last["rest"] = new string('x', left - 256 - 4 - 64 - 4);
        var exact = TableOperation.Insert("last", last);
        Assert.Equal(TableLimits.MaxTransactionBytes, rows.Append(exact).Sum(r => TableLimits.EncodedSize(r.Row, r.Properties)));

        await TakesAsync([.. rows, exact]);
        last["rest"] = last["rest"].AsText + "x";
        await RefusesAsync([.. rows.Select(r => r with { Row = r.Row + "b" }), TableOperation.Insert("las2", last)]);
    }

    [Fact]
    public async Task ARowTakesAMebibyte()
    {
        var properties = Enumerable.Range(0, 15).ToDictionary(i => $"p{i:D2}", _ => (TableValue)new byte[64 * 1024]);
        var left = TableLimits.MaxRowBytes - (2 * "row".Length) - 4 - (15 * ((64 * 1024) + (2 * 3) + 8)) - (2 * "rest".Length) - 8;
        properties["rest"] = new byte[left];
        await TakesAsync(TableOperation.Insert("row", properties));
        Assert.Equal(left, (await Store.ReadAsync(TableNames.Mail, Partition, "row", Token))!.Bytes("rest")!.Value.Length);
        properties["rest"] = new byte[left + 1];
        await RefusesAsync(TableOperation.Insert("ro2", properties));
    }

    [Fact]
    public async Task APropertyTakes64Kibibytes()
    {
        await TakesAsync(TableOperation.Insert("bytes", Of(("v", new byte[64 * 1024]))), TableOperation.Insert("text", Of(("v", new string('é', 32 * 1024)))));
        Assert.Equal(new string('é', 32 * 1024), (await Store.ReadAsync(TableNames.Mail, Partition, "text", Token))!.Text("v"));
        await RefusesAsync(TableOperation.Insert("bytes2", Of(("v", new byte[(64 * 1024) + 1]))));
        await RefusesAsync(TableOperation.Insert("text2", Of(("v", new string('x', (32 * 1024) + 1)))));
    }

    [Fact]
    public async Task ARowHas252Properties()
    {
        await TakesAsync(TableOperation.Insert("r", Enumerable.Range(0, 252).ToDictionary(i => $"p{i}", i => (TableValue)(long)i)));
        Assert.Equal(252, (await Store.ReadAsync(TableNames.Mail, Partition, "r", Token))!.Properties.Count);
        await RefusesAsync(TableOperation.Insert("s", Enumerable.Range(0, 253).ToDictionary(i => $"p{i}", i => (TableValue)(long)i)));
    }

    [Fact]
    public async Task AKeyHas512Characters()
    {
        var longest = new string('k', 512);
        await TakesAsync(TableOperation.Insert(longest, Of(("v", 1L))));
        Assert.NotNull(await Store.ReadAsync(TableNames.Mail, Partition, longest, Token));
        var partition = Partition.PadRight(512, 'p');
        Assert.True((await Store.CommitAsync(TableNames.Mail, partition, [TableOperation.Insert(longest, Of(("v", 1L)))], Token)).Committed);
        Assert.NotNull(await Store.ReadAsync(TableNames.Mail, partition, longest, Token));
        await RefusesAsync(TableOperation.Insert(longest + "k", Of(("v", 1L))));
        await RefusesAsync(() => Store.CommitAsync(TableNames.Mail, partition + "p", [TableOperation.Insert("r", Of(("v", 1L)))], Token).AsTask());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a#b")]
    [InlineData("a?b")]
    [InlineData("a\tb")]
    [InlineData("a\u0085b")]
    public async Task AKeyOutsideItsAlphabetIsRefusedByWritesAndReads(string key)
    {
        await RefusesAsync(TableOperation.Upsert(key, Of(("v", 1L))));
        await RefusesAsync(() => Store.CommitAsync(TableNames.Mail, key, [TableOperation.Upsert("r", Of(("v", 1L)))], Token).AsTask());
        await RefusesAsync(() => Store.ReadAsync(TableNames.Mail, Partition, key, Token).AsTask());
        await RefusesAsync(() => Store.ReadAsync(TableNames.Mail, key, "r", Token).AsTask());
        await RefusesAsync(() => Store.ReadRowsAsync(TableNames.Mail, key, KeyRange.All, Token).CountAsync(Token).AsTask());
    }

    [Fact]
    public async Task AKeyIsValidUtf16()
    {
        await TakesAsync(TableOperation.Upsert("a\U0001D11Eb", Of(("v", 1L))));
        foreach (var key in new[] { "\uD834", "a\uDD1Eb", "\uDD1E\uD834" })
        {
            await AKeyOutsideItsAlphabetIsRefusedByWritesAndReads(key);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("1st")]
    [InlineData("a-b")]
    [InlineData("a.b")]
    [InlineData("é")]
    [InlineData("PartitionKey")]
    [InlineData("RowKey")]
    [InlineData("Timestamp")]
    public async Task APropertyNameIsAnIdentifierAndNoneOfTheServices(string name)
    {
        await RefusesAsync(TableOperation.Upsert("r", Of((name, "v"))));
        await RefusesAsync(TableOperation.Upsert("r", Of((new string('n', 256), "v"))));
        await TakesAsync(TableOperation.Upsert("r", Of(("_1st", "v"), ("rowKey", "v"), (new string('n', 255), "v"))));
    }

    [Fact]
    public async Task TextIsValidUtf16()
    {
        await TakesAsync(TableOperation.Insert("r", Of(("v", "a\U0001D11Eb\U0001D11E"), ("empty", ""))));
        Assert.Equal("a\U0001D11Eb\U0001D11E", (await Store.ReadAsync(TableNames.Mail, Partition, "r", Token))!.Text("v"));
        foreach (var text in new[] { "\uD834", "a\uD834", "\uDD1E", "\uD834a", "\uDD1E\uD834", "\U0001D11E\uD834" })
        {
            await RefusesAsync(TableOperation.Insert("s", Of(("v", text))));
        }
    }

    private static Dictionary<string, TableValue> Of(params (string Name, TableValue Value)[] properties) =>
        properties.ToDictionary(p => p.Name, p => p.Value);

    private async Task TakesAsync(params TableOperation[] operations)
    {
        Assert.True((await Store.CommitAsync(TableNames.Mail, Partition, operations, Token)).Committed);
        foreach (var operation in operations)
        {
            Assert.NotNull(await Store.ReadAsync(TableNames.Mail, Partition, operation.Row, Token));
        }
    }

    private async Task RefusesAsync(params TableOperation[] operations)
    {
        var before = await Store.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.All, Token).CountAsync(Token);
        await RefusesAsync(() => Store.CommitAsync(TableNames.Mail, Partition, operations, Token).AsTask());
        Assert.Equal(before, await Store.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.All, Token).CountAsync(Token));
    }

    private static async Task RefusesAsync(Func<Task> call) =>
        Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(call)).Failure);
}
