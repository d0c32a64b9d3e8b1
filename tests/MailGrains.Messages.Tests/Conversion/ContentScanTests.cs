using System.Text;
using CsCheck;
using MailGrains.Messages.Conversion;

namespace MailGrains.Messages.Tests.Conversion;

public sealed class ContentScanTests
{
    private static readonly Gen<string> Content =
        Gen.OneOf("\r\n", "\r", "\n", "\0", "ü", "a", "a: b", new string('x', 997), new string('y', 500)).Array[0, 20].Select(string.Concat);

    [Theory]
    [InlineData("", ContentNeeds.None)]
    [InlineData("A: b\r\n\r\ntext\r\n", ContentNeeds.None)]
    [InlineData("A: b\r\n\r\nno line end", ContentNeeds.None)]
    [InlineData("A: b\r\n\r\nü\r\n", ContentNeeds.EightBit)]
    [InlineData("A: ü\r\n\r\nb\r\n", ContentNeeds.EightBit | ContentNeeds.EightBitHeader)]
    [InlineData("A: b\r\n\r\n\0", ContentNeeds.Nul)]
    [InlineData("A: b\r\n\r\nc\r", ContentNeeds.BareLineEnds)]
    [InlineData("A: b\r\n\r\nc\rd", ContentNeeds.BareLineEnds)]
    [InlineData("A: b\r\n\r\nc\n", ContentNeeds.BareLineEnds)]
    [InlineData("A: b\r\n\r\nc\r\r\n", ContentNeeds.BareLineEnds)]
    public void ItSaysWhatNotEveryServerTakes(string content, ContentNeeds expected) => Assert.Equal(expected, ContentScan.Of(Encoding.UTF8.GetBytes(content)));

    [Theory]
    [InlineData(998, ContentNeeds.None)]
    [InlineData(999, ContentNeeds.LongLines)]
    public void ALineMayHave998Octets(int octets, ContentNeeds expected)
    {
        var line = new string('x', octets);
        Assert.Equal(expected, ContentScan.Of(Encoding.UTF8.GetBytes($"a\r\n{line}\r\n{line}")));
    }

    [Fact]
    public void PiecesOfAnySizeGiveTheSame() => Gen.Select(Content, Gen.Int[1, 9]).Sample((text, step) =>
    {
        var content = Encoding.UTF8.GetBytes(text);
        var scan = new ContentScan();
        foreach (var piece in content.Chunk(step))
        {
            scan.Append(piece);
        }

        Assert.Equal(ContentScan.Of(content), scan.Finish());
    }, iter: 1_000);

    [Fact]
    public async Task AStreamGivesTheSame()
    {
        var content = Encoding.UTF8.GetBytes("A: b\r\n\r\nü\0\r" + new string('x', 2_000));
        await using var stream = new Summaries.DrippingStream(content, 3);
        Assert.Equal(ContentScan.Of(content), await ContentScan.OfAsync(stream, TestContext.Current.CancellationToken));
    }
}
