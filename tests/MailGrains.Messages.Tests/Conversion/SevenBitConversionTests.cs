using System.Text;
using MailGrains.Messages.Conversion;
using MimeKit;

namespace MailGrains.Messages.Tests.Conversion;

public sealed class SevenBitConversionTests
{
    [Fact]
    public async Task AnEightBitTextBecomesQuotedPrintable() => Assert.Equal(
        "From: a@x.test|MIME-Version: 1.0|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: quoted-printable|X-Last: 1||" +
        "Gr=C3=BC=C3=9Fe, and one Euro =3D =E2=82=AC, said in a text that is long en=|ough|",
        await Convert(
            "From: a@x.test|MIME-Version: 1.0|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: 8bit|X-Last: 1||" +
            "Grüße, and one Euro = €, said in a text that is long enough|"));

    [Fact]
    public async Task ATextThatIsMostlyBeyondAsciiBecomesBase64() => Assert.Equal(
        "Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: base64|MIME-Version: 1.0||0J/RgNC40LLQtdGCDQo=|",
        await Convert("Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: 8bit||Привет|"));

    [Fact]
    public async Task AMessageWithoutMimeGetsTheFieldsThatSayWhatItIs()
    {
        Assert.Equal(
            "Subject: x|MIME-Version: 1.0|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: quoted-printable||plain =C3=BC|",
            await Convert("Subject: x||plain ü|"));
        Assert.Equal(
            "Subject: x|MIME-Version: 1.0|Content-Type: text/plain; charset=unknown-8bit|Content-Transfer-Encoding: quoted-printable||=FC is u with dots|",
            Text(await Converted(Encoding.Latin1.GetBytes("Subject: x\r\n\r\nü is u with dots\r\n"))));
        var lines = string.Concat(Enumerable.Repeat(new string('y', 75) + "=|", 13)) + new string('y', 25);
        Assert.Equal(
            $"Subject: x|MIME-Version: 1.0|Content-Transfer-Encoding: quoted-printable||{lines}|", await Convert($"Subject: x||{new string('y', 1_000)}|"));
    }

    [Fact]
    public async Task OnlyThePartsThatNeedItChange() => Assert.Equal(
        "MIME-Version: 1.0|Content-Type: multipart/mixed; boundary=b|Content-Transfer-Encoding: 7bit||pre??mble|--b||plain" +
        "|--b|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: quoted-printable||plain =C3=BC" +
        "|--b|Content-Transfer-Encoding: base64|Content-Type: application/pdf||QUJD" +
        "|--b|Content-Type: text/html|Content-Transfer-Encoding: 7bit||<p>|--b--|end|",
        await Convert(
            "MIME-Version: 1.0|Content-Type: multipart/mixed; boundary=b|Content-Transfer-Encoding: 8bit||preämble|--b||plain" +
            "|--b|Content-Type: text/plain; charset=utf-8||plain ü" +
            "|--b|Content-Transfer-Encoding: base64|Content-Type: application/pdf||QUJD" +
            "|--b|Content-Type: text/html|Content-Transfer-Encoding: binary||<p>|--b--|end|"));

    [Fact]
    public async Task AMessageInsideIsConvertedInside() => Assert.Equal(
        "MIME-Version: 1.0|Content-Type: message/rfc822|Content-Transfer-Encoding: 7bit||" +
        "Subject: =?utf-8?b?w7w=?=|MIME-Version: 1.0|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: quoted-printable||plain =C3=BC|",
        await Convert("MIME-Version: 1.0|Content-Type: message/rfc822|Content-Transfer-Encoding: 8bit||Subject: ü||plain ü|"));

    [Fact]
    public async Task AMessageInUtf8IsEncodedWhole()
    {
        var converted = await Convert(
            "MIME-Version: 1.0|Content-Type: message/global||From: jörg@x.test|Subject: Grüße||Grüße and a text that is long enough for it|");
        Assert.StartsWith(
            "MIME-Version: 1.0|Content-Type: message/global|Content-Transfer-Encoding: quoted-printable||From: j=C3=B6rg@x.test|",
            converted,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("binary")]
    [InlineData("8bit")]
    public async Task DataBecomesBase64(string encoding)
    {
        byte[] data = [.. Enumerable.Range(0, 1_000).Select(i => (byte)i)];
        var before = $"MIME-Version: 1.0|Content-Type: multipart/mixed; boundary=b||--b|Content-Type: image/png|Content-Transfer-Encoding: {encoding}||";
        byte[] content = [.. Summaries.Mail.Bytes(before), .. data, .. Summaries.Mail.Bytes("|--b--|")];
        var part = Assert.IsType<MimePart>(Assert.IsType<Multipart>(Parse(await Converted(content)).Body)[0]);
        Assert.Equal(ContentEncoding.Base64, part.ContentTransferEncoding);
        Assert.Equal(data, Decoded(part));
    }

    [Theory]
    [InlineData("quoted-printable", "=C3=BC", 400)]
    [InlineData("base64", "w7zD", 799)]
    public async Task WhatIsEncodedBadlyIsEncodedAgain(string encoding, string text, int expected)
    {
        var line = string.Concat(Enumerable.Repeat(text, 400));
        var content = $"MIME-Version: 1.0|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: {encoding}||{line}|";
        var part = Assert.IsType<TextPart>(Parse(await Converted(Summaries.Mail.Bytes(content))).Body);
        Assert.Equal(expected, part.Text.TrimEnd().Length);
        Assert.StartsWith("ü", part.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Subject: Grüße and more|", "Subject: =?utf-8?b?R3LDvMOfZQ==?= and more|")]
    [InlineData("Subject: =?utf-8?q?=C3=BC?= ö|", "Subject: =?utf-8?b?w7wgw7Y=?=|")]
    [InlineData("X-Own: ü|", "X-Own: =?utf-8?b?w7w=?=|")]
    [InlineData("To: Jürgen <j@x.test>, b@y.test|", "To: =?utf-8?b?SsO8cmdlbg==?= <j@x.test>, b@y.test|")]
    [InlineData("To: a@grüße.test|", "To: a@xn--gre-6ka8l.test|")]
    [InlineData("Content-Disposition: attachment; filename=\"ü.txt\"|", "Content-Disposition: attachment; filename*=iso-8859-1''%FC.txt|")]
    [InlineData("Message-ID: <ü@x.test>|", "Message-ID: <??@x.test>|")]
    [InlineData("Received: from ü by x; Tue, 25 Nov 2025 12:00:00 +0000|", "Received: from ?? by x; Tue, 25 Nov 2025 12:00:00 +0000|")]
    public void TextInAHeaderIsEncoded(string header, string expected) =>
        Assert.Equal($"A: 1|{expected}B: 2||", Text(SevenBitHeader.Encode(Summaries.Mail.Bytes($"A: 1|{header}B: 2||"))!));

    [Fact]
    public void ALongHeaderLineIsFolded()
    {
        var words = string.Concat(Enumerable.Repeat("word ", 300)).Trim();
        var folded = Text(SevenBitHeader.Encode(Summaries.Mail.Bytes($"X-Long: {words}|X-Longer: {new string('y', 2_000)}||"))!);
        Assert.All(folded.Split('|'), line => Assert.InRange(line.Length, 0, 998));
        Assert.StartsWith($"X-Long: {words}|X-Longer: yyy", folded.Replace("| ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Null(SevenBitHeader.Encode(Summaries.Mail.Bytes($"{new string('y', 2_000)}: z||")));
    }

    [Theory]
    [InlineData(899)]
    [InlineData(1_000)]
    [InlineData(5_000)]
    public void NoFoldedLineIsBlank(int spaces)
    {
        var encoded = Text(SevenBitHeader.Encode(Summaries.Mail.Bytes($"A: x{new string(' ', spaces)}y{new string('z', 150)}|\t \tB|B: z||"))!);
        Assert.All(encoded[..^2].Split('|'), line => Assert.NotEqual("", line.Trim()));
        Assert.EndsWith("z|\t \tB|B: z||", encoded, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("MIME-Version: 1.0|Content-Type: multipart/signed; boundary=s||--s||ü|--s|Content-Type: application/pgp-signature||x|--s--|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: multipart/signed; boundary=s||--s|Subject: ü||x|--s|Content-Type: application/pgp-signature||x|--s--|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: multipart/encrypted; boundary=s||--s||x|--s||ü|--s--|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: message/partial; id=x; number=1||ü|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: message/delivery-status||Reporting-MTA: ü|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: text/plain|Content-Transfer-Encoding: x-own||ü|", "5.6.3")]
    [InlineData("MIME-Version: 1.0|Content-Type: multipart/mixed; boundary=ü||--ü||x|--ü--|", "5.6.9")]
    [InlineData("From: jörg@x.test||x|", "5.6.9")]
    [InlineData("A: x|no field ü|B: y||x|", "5.6.9")]
    [InlineData("ü", "5.6.3")]
    public async Task WhatWouldBreakIsNotConverted(string content, string status)
    {
        var plan = await Plan(Summaries.Mail.Bytes(content));
        Assert.Equal((ConversionVerdict.NotConvertible, status), (plan.Verdict, plan.Status));
        Assert.NotEmpty(plan.Reason);
        await Assert.ThrowsAsync<InvalidOperationException>(() => plan.MeasureAsync(Stream.Null, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ASignedPartThatIsSevenBitDoesNotChange()
    {
        const string Signed =
            "--m|Content-Type: multipart/signed; boundary=s||--s|Content-Transfer-Encoding: 8bit||x|--s|Content-Type: application/pgp-signature||x|--s--|";
        var converted = await Convert($"MIME-Version: 1.0|Content-Type: multipart/mixed; boundary=m||{Signed}|--m||plain ü|--m--|");
        Assert.Contains(Signed, converted, StringComparison.Ordinal);
        Assert.Contains(
            "|--m|Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: quoted-printable||plain =C3=BC|--m--|", converted, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AHeaderThatCameBySmtpUtf8KeepsTheMessageHere()
    {
        var content = Summaries.Mail.Bytes("Subject: ü||x|");
        Assert.Equal("5.6.9", (await Plan(content, mayEncodeHeader: false)).Status);
        Assert.Equal(ConversionVerdict.Convertible, (await Plan(content)).Verdict);
        Assert.Equal(ConversionVerdict.Convertible, (await Plan(Summaries.Mail.Bytes("Subject: x||ü|"), mayEncodeHeader: false)).Verdict);
    }

    [Fact]
    public async Task WhatIsTooLargeIsNotConvertedAndNotRead()
    {
        var content = Summaries.Mail.Bytes("Subject: x||ü|");
        var plan = await SevenBitConversion.PlanAsync(
            Stream.Null, Summaries.Mail.Reader.Read(content), new ConversionTerms(10, true), TestContext.Current.CancellationToken);
        Assert.Equal("5.3.4", plan.Status);
    }

    [Fact]
    public async Task ABombIsNotConverted()
    {
        var nested = string.Concat(Enumerable.Range(0, 200).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}||--b{i}|"));
        var plan = await Plan(Summaries.Mail.Bytes($"MIME-Version: 1.0|{nested}|ü|"));
        Assert.Equal("5.6.3", plan.Status);
        Assert.Equal(ConversionVerdict.NotNeeded, (await Plan(Summaries.Mail.Bytes($"MIME-Version: 1.0|{nested}|u|"))).Verdict);
    }

    [Fact]
    public async Task AnotherContentThanTheSummarysIsFoundOut()
    {
        var summary = Summaries.Mail.Reader.Read(Summaries.Mail.Bytes("Subject: x||ü|"));
        foreach (var other in new[] { "Subject: x||", "Subject: x||ü||" })
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => SevenBitConversion.PlanAsync(
                new MemoryStream(Summaries.Mail.Bytes(other)), summary, new ConversionTerms(1_000, true), TestContext.Current.CancellationToken));
        }
    }

    internal static async Task<SevenBitConversion> Plan(byte[] content, bool mayEncodeHeader = true)
    {
        await using var stream = new Summaries.DrippingStream(content, 1_000);
        return await SevenBitConversion.PlanAsync(
            stream, Summaries.Mail.Reader.Read(content), new ConversionTerms(1_000_000, mayEncodeHeader), TestContext.Current.CancellationToken);
    }

    internal static async Task<byte[]> Converted(byte[] content, SevenBitConversion? plan = null, int step = 1_000)
    {
        plan ??= await Plan(content);
        Assert.Equal((ConversionVerdict.Convertible, ""), (plan.Verdict, plan.Status));
        await using var input = new Summaries.DrippingStream(content, step);
        using var output = new MemoryStream();
        await plan.WriteAsync(input, output, TestContext.Current.CancellationToken);
        Assert.Equal(output.Length, await plan.MeasureAsync(new MemoryStream(content), TestContext.Current.CancellationToken));
        Assert.Equal(ContentNeeds.None, ContentScan.Of(output.ToArray()));
        return output.ToArray();
    }

    internal static MimeMessage Parse(byte[] content)
    {
        using var stream = new MemoryStream(content);
        return MimeMessage.Load(stream, TestContext.Current.CancellationToken);
    }

    internal static byte[] Decoded(MimePart part)
    {
        using var decoded = new MemoryStream();
        part.Content?.DecodeTo(decoded, TestContext.Current.CancellationToken);
        return decoded.ToArray();
    }

    private static async Task<string> Convert(string content) => Text(await Converted(Summaries.Mail.Bytes(content)));

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes).Replace("\r\n", "|", StringComparison.Ordinal);

}
