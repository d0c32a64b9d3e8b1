using System.Text.Json;
using CsCheck;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Tables;

public sealed class TableLimitsTests
{
    [Fact]
    public void AKeyWithHalfACharacterIsRefused()
    {
        Assert.NotNull(TableLimits.KeyViolation(new string('\ud800', 1)));
        Assert.NotNull(TableLimits.KeyViolation(new string(['a', '\udc00', 'b'])));
        Assert.Null(TableLimits.KeyViolation("\ud83d\ude00"));
    }

    [Fact]
    public void TextThatTheServicesClientEscapesCountsAsWhatItBecomes()
    {
        var plain = TableLimits.EncodedSize("r", new RowProperties("v", new string('a', 1000)));

        Assert.Equal(plain + 5000, TableLimits.EncodedSize("r", new RowProperties("v", new string('ä', 1000))));
        Assert.Equal(plain + 5000, TableLimits.EncodedSize("r", new RowProperties("v", new string('<', 1000))));
    }

    [Fact]
    public void ATransactionOf94RowsOf32KibibytesPassesAndOneOf96DoesNot()
    {
        // What Azure takes was measured: its own limit is 4 MiB on the wire, where binary is base64.
        var body = new RowProperties(new KeyValuePair<string, TableValue>("c", new byte[32 * 1024]));
        Assert.NotNull(TableLimits.Violation("p", Rows(96)));
        Assert.Null(TableLimits.Violation("p", Rows(71)));
        Assert.True(Rows(94).Sum(o => TableLimits.EncodedSize(o.Row, o.Properties)) < 4 * 1024 * 1024 + (64 * 1024));

        TableOperation[] Rows(int count) => [.. Enumerable.Range(0, count).Select(i => TableOperation.Insert($"b:{i}", body))];
    }

    [Fact]
    public void TheEncodedSizeIsNoLessThanWhatGoesOverTheWire() => GenProperties.Sample(properties =>
    {
        var json = 0;
        foreach (var (name, value) in properties)
        {
            // "name@odata.type":"Edm.Binary","name":"…",
            json += (2 * name.Length) + 36 + value.Kind switch
            {
                TableValueKind.Text => JsonEncodedText.Encode(value.AsText!).EncodedUtf8Bytes.Length,
                TableValueKind.Bytes => Convert.ToBase64String(value.AsBytes!.Value.Span).Length,
                _ => value.AsNumber!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture).Length,
            };
        }

        Assert.True(TableLimits.EncodedSize("row", properties) >= json);
    });

    [Fact]
    public void TheWholeTransactionIsCheckedWhateverItsSize()
    {
        var one = new RowProperties(new KeyValuePair<string, TableValue>("v", 1L));
        foreach (var count in (int[])[1, 2, 3, 20, 100])
        {
            var operations = Enumerable.Range(0, count).Select(i => TableOperation.Upsert($"r{i}", one)).ToList();
            Assert.Null(TableLimits.Violation("p", operations));
            operations[^1] = operations[^1] with { Row = "bad/key" };
            Assert.Contains("row key", TableLimits.Violation("p", operations), StringComparison.Ordinal);
            operations[^1] = operations[^1] with { Row = "r0" };
            Assert.Equal(count == 1, TableLimits.Violation("p", operations) is null);
        }
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("a#b")]
    [InlineData("a?b")]
    [InlineData("a\0b")]
    [InlineData("a\u001fb")]
    [InlineData("a\u007fb")]
    [InlineData("a\u009fb")]
    [InlineData("")]
    public void KeysThatAzureRefusesAreRefused(string key)
    {
        Assert.NotNull(TableLimits.KeyViolation(key));
        Assert.NotNull(TableLimits.Violation(key, [TableOperation.Delete("r")]));
        Assert.NotNull(TableLimits.Violation("p", [TableOperation.Delete(key)]));
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("a'b\"c%d&e=f+g")]
    [InlineData("é☃𝄞\u00a0")]
    public void OtherKeysAreTaken(string key) => Assert.Null(TableLimits.KeyViolation(key));

    private static readonly Gen<RowProperties> GenProperties = Gen.Select(
            Gen.Char['a', 'z'].Array[1, 20], Gen.Int[1, 3], Gen.OneOf(Gen.Char['\0', '\u00ff'], Gen.Char['\u0100', '\ud7ff']).Array[0, 300], Gen.Long,
            (name, kind, text, number) => new KeyValuePair<string, TableValue>(new string(name), kind switch
            {
                1 => new string(text),
                2 => new byte[text.Length],
                _ => number,
            }))
        .Array[0, 10].Select(p => new RowProperties(p));
}
