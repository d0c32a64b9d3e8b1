using System.Text;
using CsCheck;
using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Tests.Summaries;

public sealed class SummaryPropertyTests
{
    /// <summary>Scraps that messages, and attacks on their readers, are made of.</summary>
    private static readonly Gen<string> Scrap = Gen.OneOf(
        "\r\n", "\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", "\0", ":", ";", ",", "\"", "(", ")", "<", ">", "@", "=", "--", "--b", "--b--", "--c", "--c--",
        "\r\n--b\r\n", "\r\n--b--\r\n", "\r\n--c\r\n", "\r\n--c--\r\n", "From: ", "To: ", "Subject: ", "Date: ", "Message-ID: ", "References: ", "Received: ",
        "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: multipart/alternative; boundary=\"c\"\r\n", "Content-Type: multipart/digest; boundary=b\r\n",
        "Content-Type: message/rfc822\r\n", "Content-Type: text/html; charset=x\r\n", "Content-Type: text/plain; charset=\"utf-8\"\r\n", "Content-Type: ",
        "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\r\n", "Content-Transfer-Encoding: base64\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n", "From x\r\n", "=?utf-8?q?=00=0D=0A?=", "=?utf-8?b?", "?=", "a@b.test", "Group: a@b, c@d;", "word",
        "\u00FC", "\uFEFF", "QUJD\r\n", "=C3=BC=\r\n", "<p>&amp;</p>", ".", "..");

    private static readonly Gen<byte[]> Nasty = Gen.OneOf(
        Scrap.Array[0, 60].Select(scraps => Encoding.UTF8.GetBytes(string.Concat(scraps))),
        Scrap.Array[0, 60].Select(scraps => Encoding.Latin1.GetBytes(string.Concat(scraps))),
        Gen.Byte.Array[0, 300]);

    /// <summary>A part with the text that it is written as, and its shape.</summary>
    private static readonly Gen<(string Text, string Shape)> Tree = Gen.Recursive<(string Text, string Shape)>((depth, tree) => depth >= 4
        ? LeafPart
        : Gen.Frequency((3, LeafPart), (2, tree.Array[1, 3].Select(parts => Multipart(depth, parts))), (1, tree.Select(Carried))));

    private static Gen<(string Text, string Shape)> LeafPart => Gen.OneOf(
        ("Content-Type: text/plain\r\n\r\nline\r\nline", "text/plain"),
        ("\r\n", "text/plain"),
        ("Content-Type: text/html\r\n\r\n<p>--not a boundary", "text/html"),
        ("Content-Type: application/pdf; name=x\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n", "application/pdf"));

    [Fact]
    public void NoContentMakesItThrowAndOffsetsAlwaysCut() => Nasty.Sample(
        content => BrokenMessageTests.AssertSound(Mail.Reader.Read(content)), iter: 10_000);

    [Fact]
    public void NoTextMakesDecodingThrow() => Gen.OneOf(
        Scrap.Array[0, 20].Select(string.Concat),
        Gen.Select(Gen.OneOf("utf-8", "utf-7", "x", "", "iso-2022-jp", "utf-16", "gb18030"), Gen.OneOf("q", "b", "x"), Gen.String[0, 30], (c, e, t) => $"=?{c}?{e}?{t}?="))
        .Sample(text =>
        {
            Assert.DoesNotContain(HeaderValue.Decode(text), c => c is '\r' or '\n' or '\0' && !text.Contains(c, StringComparison.Ordinal));
            Assert.True(HeaderValue.MessageIds(text).Count() <= text.Length);
        });

    [Fact]
    public async Task StreamsAndMemoryAgree()
    {
        var samples = new List<byte[]>();
        Nasty.Sample(samples.Add, iter: 1_000, threads: 1);
        foreach (var content in samples)
        {
            await using var stream = new DrippingStream(content, 7);
            Assert.Equal(Mail.Reader.Read(content).Encode(), (await Mail.Reader.ReadAsync(stream, TestContext.Current.CancellationToken)).Encode());
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    [InlineData(100)]
    public async Task BrokenDigestIsReadTheSameHoweverItArrives(int step)
    {
        var content = "Content-Type:multipart/digest; boundary=b\n\r\n--b\r\n\nrset=x\r\n=?utf-8?b?\r\n--b--\r\r\n"u8.ToArray();
        await using var stream = new DrippingStream(content, step);
        Assert.Equal(Mail.Reader.Read(content).Encode(), (await Mail.Reader.ReadAsync(stream, TestContext.Current.CancellationToken)).Encode());
    }

    [Fact]
    public void AWellFormedTreeIsFoundAsItWasWritten() => Tree.Sample(tree =>
    {
        var text = "Subject: s\r\n" + tree.Text;
        var summary = Mail.Reader.Read(Encoding.UTF8.GetBytes(text));
        Assert.Equal(tree.Shape, Mail.Shape(summary.Body));
        BrokenMessageTests.AssertSound(summary);
        AssertLeaves(text, summary.Body);
    }, iter: 2_000);

    [Fact]
    public void AParserIsFreshForEachMessage() => Gen.Select(Nasty, Nasty).Sample((first, second) =>
    {
        var expected = new SummaryReader().Read(second).Encode();
        var reader = new SummaryReader();
        reader.Read(first);
        Assert.Equal(expected, reader.Read(second).Encode());
    }, iter: 2_000);

    private static void AssertLeaves(string text, BodyPart part)
    {
        foreach (var child in part.Parts)
        {
            AssertLeaves(text, child);
        }

        var body = text.Substring((int)part.BodyOffset, (int)part.BodyLength);
        if (part.Parts.IsEmpty)
        {
            Assert.Equal(body.Count(c => c == '\n') + (body.Length > 0 && body[^1] != '\n' ? 1 : 0), part.Lines);
        }

        if (part.Parts.IsEmpty && part.Type == "application")
        {
            Assert.Equal("QUJD", body.TrimEnd());
        }
        else if (part.Subtype == "html")
        {
            Assert.Equal("<p>--not a boundary", body.TrimEnd());
        }
    }

    private static (string Text, string Shape) Multipart(int depth, (string Text, string Shape)[] parts) => (
        $"Content-Type: multipart/mixed; boundary=level{depth}\r\n\r\n" + string.Concat(parts.Select(p => $"--level{depth}\r\n{p.Text}\r\n")) + $"--level{depth}--\r\n",
        $"multipart/mixed({string.Join(' ', parts.Select(p => p.Shape))})");

    private static (string Text, string Shape) Carried((string Text, string Shape) message) =>
        ($"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n{message.Text}", $"message/rfc822({message.Shape})");
}
