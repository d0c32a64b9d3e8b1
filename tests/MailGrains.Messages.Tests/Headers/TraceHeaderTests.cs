using System.Net;
using System.Text;
using CsCheck;
using MailGrains.Messages.Headers;
using MailGrains.Messages.Summaries;

namespace MailGrains.Messages.Tests.Headers;

public sealed class TraceHeaderTests
{
    private static readonly ReceivedClauses Clauses = new(
        "client.example.test", IPAddress.Parse("192.0.2.1"), "mx.example.test", "ESMTP", "0123456789abcdef", "bob@example.test",
        new DateTimeOffset(2025, 11, 25, 8, 12, 33, TimeSpan.FromHours(1)));

    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String[Gen.Char['\0', '\uFFFF'], 0, 60], Gen.String[Gen.Char[' ', '~'], 0, 2_000],
        Gen.OneOf("\r\nBcc: x", "\r\n\r\nbody", "\n.\r\n", "a\0b", "<a@b>", "\uD800", "a\uDC00\r", "\u2028", new string('x', 5_000), new string('\u20AC', 2_000)));

    [Fact]
    public void ReceivedHasTheClausesOfTheStandard() => Assert.Equal(
        "Received: from client.example.test ([192.0.2.1])\r\n" +
        "\tby mx.example.test with ESMTP id 0123456789abcdef\r\n" +
        "\tfor <bob@example.test>; Tue, 25 Nov 2025 07:12:33 +0000\r\n",
        Text(TraceHeader.Received(Clauses)));

    [Fact]
    public void WithoutOneRecipientThereIsNoForClause() => Assert.Equal(
        "Received: from client.example.test ([192.0.2.1])\r\n" +
        "\tby mx.example.test with ESMTP id 0123456789abcdef;\r\n" +
        "\tTue, 25 Nov 2025 07:12:33 +0000\r\n",
        Text(TraceHeader.Received(Clauses with { Recipient = null })));

    [Fact]
    public void ContentWithoutAHeaderIsKeptApartByAnEmptyLine()
    {
        var content = "no header here\r\n"u8.ToArray();
        byte[] message = [.. TraceHeader.Received(Clauses, endsHeader: new SummaryReader().Read(content).HeaderLength == 0), .. content];
        var summary = new SummaryReader().Read(message);
        Assert.Equal(1, summary.ReceivedCount);
        Assert.Equal("no header here", summary.Preview);
        Assert.Equal(content.Length, summary.Body.BodyLength);
    }

    [Theory]
    [InlineData("2001:db8::1", "([IPv6:2001:db8::1])")]
    [InlineData("::ffff:192.0.2.1", "([192.0.2.1])")]
    [InlineData("fe80::1%3", "([IPv6:fe80::1])")]
    public void AddressesAreLiterals(string address, string expected) =>
        Assert.Contains($" {expected}\r\n", Text(TraceHeader.Received(Clauses with { Client = IPAddress.Parse(address) })), StringComparison.Ordinal);

    [Theory]
    [InlineData("", "from unknown ")]
    [InlineData("[192.0.2.1]", "from [192.0.2.1] ")]
    [InlineData("a (b); c\r\nX: y", "from a??b???c??X:?y ")]
    [InlineData("bücher.example", "from bücher.example ")]
    public void TheEhloNameCantEndItsClause(string name, string expected) =>
        Assert.Contains(expected, Text(TraceHeader.Received(Clauses with { EhloName = name })), StringComparison.Ordinal);

    [Fact]
    public void ADeliveryPutsReturnPathAndDeliveredToBeforeTheTrace()
    {
        Assert.Equal(
            "Return-Path: <alice@example.test>\r\nDelivered-To: bob@example.test\r\nReceived: x\r\n",
            Text(TraceHeader.DeliveryPrefix("alice@example.test", "bob@example.test", "Received: x\r\n"u8)));
        Assert.StartsWith("Return-Path: <>\r\n", Text(TraceHeader.DeliveryPrefix("", "b@x.test", [])), StringComparison.Ordinal);
    }

    [Fact]
    public void NoDataCanBreakOutOfReceived() => Gen.Select(AnyText, AnyText, AnyText, AnyText, AnyText).Sample((ehlo, host, protocol, id, recipient) =>
        AssertFields(TraceHeader.Received(new ReceivedClauses(ehlo, IPAddress.IPv6Loopback, host, protocol, id, recipient, Clauses.At)), "Received"));

    [Fact]
    public void NoDataCanBreakOutOfAPrefix() => Gen.Select(AnyText, AnyText).Sample((reversePath, deliveredTo) =>
        AssertFields(TraceHeader.DeliveryPrefix(reversePath, deliveredTo, "Received: x\r\n"u8), "Return-Path", "Delivered-To", "Received"));

    [Fact]
    public void NoTextCanBreakOutOfAField() => AnyText.Array[1, 4].Sample(texts =>
    {
        var writer = new HeaderFieldWriter(0);
        foreach (var text in texts)
        {
            writer.Begin("X-Test"u8);
            writer.Text(HeaderText.Of(text));
            writer.End();
        }

        AssertFields(writer.Finish(), [.. texts.Select(_ => "X-Test")]);
    });

    [Fact]
    public void HeaderTextHoldsNoControl() => AnyText.Sample(text =>
    {
        var value = HeaderText.Of(text).Value;
        Assert.DoesNotContain(value, char.IsControl);
        Assert.Equal(text.Length, value.Length);
        Assert.Equal(value, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(value)));
    });

    [Fact]
    public void TextIsFoldedBeforeColumn78AndUnfoldsToItself() => Gen.String[Gen.Char['a', 'z'], 1, 40].Array[1, 100].Sample(words =>
    {
        var writer = new HeaderFieldWriter(0);
        writer.Begin("Subject"u8);
        writer.Text(HeaderText.Of(string.Join(' ', words)));
        writer.End();
        var bytes = writer.Finish();
        Assert.All(Text(bytes).Split("\r\n"), line => Assert.True(line.Length <= 78));
        Assert.Equal(string.Join(' ', words), Mail(bytes).Envelope.Subject!.Replace('\t', ' '));
    });

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a:")]
    [InlineData("a\r\n")]
    [InlineData("ü")]
    public void AFieldNameIsNeverData(string name) => Assert.Throws<ArgumentException>(() =>
    {
        var writer = new HeaderFieldWriter(0);
        writer.Begin(Encoding.UTF8.GetBytes(name));
    });

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);

    private static MessageSummary Mail(byte[] header) => new SummaryReader().Read((byte[])[.. header, .. "\r\nbody"u8]);

    /// <summary>Exactly these fields, one after the other, in lines of at most 998 octets, CR and LF as line ends alone.</summary>
    private static void AssertFields(byte[] bytes, params string[] names)
    {
        var text = Encoding.Latin1.GetString(bytes);
        Assert.EndsWith("\r\n", text, StringComparison.Ordinal);
        var lines = text[..^2].Split("\r\n");
        Assert.All(lines, line =>
        {
            Assert.True(line.Length <= 998);
            Assert.DoesNotContain(line, c => c is '\r' or '\n' or '\0');
            Assert.NotEqual("", line.Trim());
        });
        Assert.Equal(names, lines.Where(l => l[0] is not ' ' and not '\t').Select(l => l[..l.IndexOf(':', StringComparison.Ordinal)]));
    }
}
