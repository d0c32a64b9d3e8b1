using CsCheck;
using MailGrains.Storage.Sqlite.Tables;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tests;

public sealed class RowFormatTests
{
    private static readonly Gen<Dictionary<string, TableValue>> GenProperties = Gen.Select(
            Gen.String[Gen.Char['!', '\u2603'], 1, 20], Gen.OneOf(
                Gen.String[Gen.Char[' ', '\u2603'], 0, 300].Select(s => (TableValue)s),
                Gen.Byte.Array[0, 300].Select(b => (TableValue)b),
                Gen.Long.Select(n => (TableValue)n)))
        .Array[0, 12].Select(p => p.DistinctBy(x => x.Item1).ToDictionary(x => x.Item1, x => x.Item2));

    [Fact]
    public void PropertiesComeBackAsTheyWere() => GenProperties.Sample(properties =>
    {
        var read = RowFormat.Read(Write(properties));
        Assert.Equal(properties.Keys, read.Keys);
        foreach (var (name, value) in properties)
        {
            Assert.Equal(
                (value.Kind, value.AsText, value.AsNumber, Hex(value)), (read[name].Kind, read[name].AsText, read[name].AsNumber, Hex(read[name])));
        }
    });

    [Fact]
    public void ARowThatIsCutOffIsUnreadable() => GenProperties.Sample(properties =>
    {
        var row = Write(properties);
        for (var length = properties.Count == 0 ? 1 : row.Length - 1; length >= 0; length--)
        {
            var failure = Assert.Throws<StoreException>(() => RowFormat.Read(row[..length]));
            Assert.Equal(StoreFailure.Unreadable, failure.Failure);
        }
    }, iter: 30);

    [Fact]
    public void NoiseIsUnreadableOrRowsButNothingWorse() => Gen.Byte.Array[0, 60].Sample(noise =>
    {
        try
        {
            RowFormat.Read([RowFormat.Format, .. noise]);
        }
        catch (StoreException e)
        {
            Assert.Equal(StoreFailure.Unreadable, e.Failure);
        }
    });

    [Fact]
    public void ARowOfANewerFormatIsRefused()
    {
        var failure = Assert.Throws<StoreException>(() => RowFormat.Read([RowFormat.Format + 1, 0]));
        Assert.Equal(StoreFailure.Unreadable, failure.Failure);
        Assert.Contains("format 2", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysCompareAsBytesTheWayTheyCompareAsStrings()
    {
        var key = Gen.OneOf(Gen.Char['\u0001', '\u007f'], Gen.Char['\u0080', '\u0900'], Gen.Char['\uD700', '\uFFFF']).Array[0, 5]
            .Select(c => new string(c));
        Gen.Select(key, key).Sample((a, b) =>
        {
            Assert.Equal(Math.Sign(string.CompareOrdinal(a, b)), Math.Sign(KeyBytes.Of(a).AsSpan().SequenceCompareTo(KeyBytes.Of(b))));
            Assert.Equal(a, KeyBytes.Read(KeyBytes.Of(a)));
        });
    }

    private static byte[] Write(Dictionary<string, TableValue> properties)
    {
        var bytes = new byte[RowFormat.MaxLength(properties)];
        return bytes[..RowFormat.Write(properties, bytes)];
    }

    private static string? Hex(TableValue value) => value.AsBytes is { } bytes ? Convert.ToHexString(bytes.Span) : null;
}
