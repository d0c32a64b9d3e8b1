using System.Globalization;
using MailGrains.Storage;
using MailGrains.Storage.Tables;
using Xunit;

namespace MailGrains.Testing.Stores;

/// <summary>What every <see cref="ITableStore"/> does with ordered reads: ranges, order, pages.</summary>
public abstract class TableRangeContract
{
    /// <summary>A store that has the tables of <see cref="TableNames"/>.</summary>
    protected abstract ITableStore Store { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Partition { get; } = "contract:" + Guid.NewGuid().ToString("N");

    [Fact]
    public async Task RowsComeInOrdinalOrderWhateverUserTextTheirKeysEncode()
    {
        string[] texts =
        [
            "a", "A", "Z", "z", "aa", "a/b", "a\\b", "a b", "a#b", "a?b", "a%b", "a=b", "a:b", "a.b", "a-b", "a_b", "a,b", "a+b", "a@b",
            "0", "9", "10", "é", "ß", "ÿ", "☃", "𝄞", "\uE000", "\uFFFD", "\0", "\t", "\r\n", "\u007f", "\u0085", "-", "=", "'", "\"", "''",
            "O'Brien", "日本", "Ω", "ω", "i", "I", "ı", "İ",
        ];
        var keys = texts.Select(TableKey.Encode).ToArray();
        await InsertAsync(Partition, keys);

        var read = await RowsAsync(KeyRange.All);
        Assert.Equal(keys.Order(StringComparer.Ordinal), read.Select(r => r.Row));
        Assert.Equal(texts.Order(StringComparer.Ordinal), read.Select(r => TableKey.TryDecode(r.Row, out var t) ? t : null).Order(StringComparer.Ordinal));
        foreach (var key in keys)
        {
            Assert.Equal(key, (await Store.ReadAsync(TableNames.Mail, Partition, key, Token))?.Row);
        }
    }

    [Fact]
    public async Task ARangeHoldsWhatItContainsAndNothingElse()
    {
        string[] keys = ["a", "b", "b:", "b:1", "b:2", "b:2:x", "b:3", "b;", "c", "h", "j:0001", "j:0002", "j:0010"];
        await InsertAsync(Partition, keys);
        KeyRange[] ranges =
        [
            KeyRange.All, KeyRange.Exactly("b"), KeyRange.Exactly("absent"), KeyRange.Prefix("b"), KeyRange.Prefix("b:"), KeyRange.Prefix("b:2"),
            KeyRange.Prefix("z"), KeyRange.After("b:2"), KeyRange.After("b:2", "c"), KeyRange.After("j:0010"), KeyRange.Between("b:1", "b:3"),
            KeyRange.Between("b0", "b9"), KeyRange.Between("c", "b"), new("b:", true, "b:3", false), new("b:", false, "b:3", false),
            new(null, false, "b:1", false), new(null, false, "b:1", true), new("h", true, null, false), new("h", false, null, false),
        ];
        foreach (var range in ranges)
        {
            var read = await RowsAsync(range);
            Assert.Equal(keys.Where(range.Contains), read.Select(r => r.Row));
        }
    }

    [Fact]
    public async Task ALongRangeIsReadToItsEnd()
    {
        var keys = Enumerable.Range(0, 1_250).Select(i => i.ToString("D6", CultureInfo.InvariantCulture)).ToArray();
        await InsertAsync(Partition, keys);
        Assert.Equal(keys, (await RowsAsync(KeyRange.All)).Select(r => r.Row));
        Assert.Equal(keys[200..1_101], (await RowsAsync(KeyRange.Between(keys[200], keys[1_100]))).Select(r => r.Row));
    }

    [Fact]
    public async Task RowsOfManyMebibytesAreReadToTheirEnd()
    {
        var bytes = new byte[60 * 1024];
        Random.Shared.NextBytes(bytes);
        var properties = Enumerable.Range(0, 5).ToDictionary(i => $"p{i}", _ => (TableValue)bytes);
        for (var i = 0; i < 14; i++)
        {
            await CommitAsync(Partition, TableOperation.Insert($"{i:D2}", properties));
        }

        var read = await RowsAsync(KeyRange.All);
        Assert.Equal(14, read.Count);
        Assert.All(read, r => Assert.True(r.Bytes("p4")!.Value.Span.SequenceEqual(bytes)));
    }

    [Fact]
    public async Task WhatIsWrittenWhileARangeIsReadDoesNotDisturbIt()
    {
        var keys = Enumerable.Range(0, 600).Select(i => i.ToString("D6", CultureInfo.InvariantCulture)).ToArray();
        await InsertAsync(Partition, keys);
        List<string> read = [];
        await foreach (var row in Store.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.All, Token))
        {
            read.Add(row.Row);
            if (read.Count % 200 == 0)
            {
                await CommitAsync(Partition, TableOperation.Delete(row.Row), TableOperation.Insert(row.Row + "x", Value));
            }
        }

        Assert.Equal(keys, read.Where(k => !k.EndsWith('x')));
        Assert.Equal(read.Order(StringComparer.Ordinal), read);
    }

    [Fact]
    public async Task PartitionsAreReadInOrderOfPartitionThenRow()
    {
        string[] partitions = [$"{Partition}:a", $"{Partition}:a:1", $"{Partition}:b", $"{Partition}:c"];
        foreach (var partition in partitions.Reverse())
        {
            await InsertAsync(partition, ["2", "1", "10"]);
        }

        await InsertAsync(Partition + ";", ["outside"]);
        await Store.CommitAsync(TableNames.Directory, partitions[0], [TableOperation.Insert("1", Value)], Token);

        string[] rows = ["1", "10", "2"];
        Assert.Equal(Pairs(partitions), await PairsAsync(KeyRange.Prefix(Partition + ":")));
        Assert.Equal(Pairs(partitions[1..2]), await PairsAsync(KeyRange.Exactly(partitions[1])));
        Assert.Equal(Pairs(partitions[1..3]), await PairsAsync(KeyRange.After(partitions[0], partitions[2])));
        Assert.Equal(Pairs(partitions[2..3]), await PairsAsync(new(partitions[2], true, partitions[3], false)));

        IEnumerable<(string, string)> Pairs(IEnumerable<string> of) => of.SelectMany(p => rows.Select(r => (p, r)));
        async Task<List<(string, string)>> PairsAsync(KeyRange range) =>
            await Store.ReadPartitionsAsync(TableNames.Mail, range, Token).Select(r => (r.Partition, r.Row)).ToListAsync(Token);
    }

    [Fact]
    public async Task AScanOfPartitionsGoesOnInsideAPartition()
    {
        var keys = Enumerable.Range(0, 1_100).Select(i => i.ToString("D6", CultureInfo.InvariantCulture)).ToArray();
        await InsertAsync(Partition + ":1", keys);
        await InsertAsync(Partition + ":2", keys[..10]);
        var read = await Store.ReadPartitionsAsync(TableNames.Mail, KeyRange.Prefix(Partition), Token).Select(r => r.Row).ToListAsync(Token);
        Assert.Equal([.. keys, .. keys[..10]], read);
    }

    [Fact]
    public async Task AReadThatIsCancelledEnds()
    {
        await InsertAsync(Partition, ["1", "2"]);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Store.ReadAsync(TableNames.Mail, Partition, "1", cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await Store.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.All, cancelled.Token).CountAsync(CancellationToken.None));
    }

    private static Dictionary<string, TableValue> Value => new() { ["v"] = 1L };

    private async Task CommitAsync(string partition, params TableOperation[] operations) =>
        Assert.True((await Store.CommitAsync(TableNames.Mail, partition, operations, Token)).Committed);

    private async Task InsertAsync(string partition, string[] keys)
    {
        foreach (var chunk in keys.Chunk(TableLimits.MaxOperations))
        {
            await CommitAsync(partition, [.. chunk.Select(k => TableOperation.Insert(k, Value))]);
        }
    }

    private async Task<List<TableRow>> RowsAsync(KeyRange range) =>
        await Store.ReadRowsAsync(TableNames.Mail, Partition, range, Token).ToListAsync(Token);
}
