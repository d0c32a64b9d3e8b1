using MailGrains.Messages.Summaries;
using static MailGrains.Messages.Tests.Summaries.Mail;

namespace MailGrains.Messages.Tests.Summaries;

/// <summary>What mail servers meet although no standard allows it.</summary>
public sealed class BrokenMessageTests
{
    [Fact]
    public void AnEmptyMessageIsAnEmptyText()
    {
        var summary = Read("");
        Assert.Equal("text/plain", Shape(summary.Body));
        Assert.Equal((0, 0L, false), (summary.Body.BodyLength, summary.Size, summary.IsOpaque));
    }

    [Theory]
    [InlineData("hello world|second line|")]
    [InlineData("hello world||after an empty line|")]
    [InlineData("{ \"json\": true }")]
    public void WithoutAHeaderAllOfItIsText(string text)
    {
        var summary = Read(text);
        Assert.Equal("text/plain", Shape(summary.Body));
        Assert.Equal(0, summary.HeaderLength);
        Assert.Equal(text, BodyOf(text, summary.Body));
    }

    [Fact]
    public void AnEmptyLineFirstMeansNoHeaderFields()
    {
        var summary = Read("|body|");
        Assert.Equal(2, summary.HeaderLength);
        Assert.Equal("body|", BodyOf("|body|", summary.Body));
    }

    [Theory]
    [InlineData("Subject: a|this has no colon|To: b@c.test||body|")]
    [InlineData("From x Mon Jan  1 00:00:00 2024|Subject: a|To: b@c.test||body|")]
    [InlineData("Subject: a|: no name|To: b@c.test||body|")]
    [InlineData("Subject: a|Bad Name: x|To: b@c.test||body|")]
    public void ALineThatIsNoFieldCostsItselfOnly(string text)
    {
        var summary = Read(text);
        Assert.Equal("a", summary.Envelope.Subject);
        Assert.Equal([new MailAddress(null, "b", "c.test")], summary.Envelope.To);
        Assert.Equal("body|", BodyOf(text, summary.Body));
    }

    [Theory]
    [InlineData("Subject: a|To: b@c.test|")]
    [InlineData("Subject: a|To: b@c.test")]
    public void AHeaderWithoutABodyIsAllHeader(string text)
    {
        var summary = Read(text);
        Assert.Equal("a", summary.Envelope.Subject);
        Assert.Equal(summary.Size, summary.HeaderLength);
        Assert.Equal(0, summary.Body.BodyLength);
    }

    [Theory]
    [InlineData("Content-Type: multipart/mixed; boundary=b||no boundary at all|", "multipart/mixed")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b--|", "multipart/mixed")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b", "multipart/mixed")]
    [InlineData("Content-Type: multipart/mixed||--b||x|--b--|", "multipart/mixed")]
    [InlineData("Content-Type: multipart/mixed; boundary=\"\"||--||x|----|", null)]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b||x|", "multipart/mixed(text/plain)")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b|--b||x|--b--|", "multipart/mixed(text/plain text/plain)")]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b|Content-Type: multipart/mixed; boundary=b||--b||x|--b--|", null)]
    [InlineData("Content-Type: multipart/digest; boundary=b||--b||Subject: in||x|--b--|", "multipart/digest(message/rfc822(text/plain))")]
    [InlineData("Content-Type: message/rfc822||", "message/rfc822(text/plain)")]
    [InlineData("Content-Type: message/rfc822||no header here|", null)]
    [InlineData("Content-Type: message/rfc822|Content-Transfer-Encoding: base64||U3ViamVjdDogaQ==|", "message/rfc822")]
    [InlineData("Content-Type: text/rfc822-headers||Subject: in||", "text/rfc822-headers")]
    [InlineData("Content-Type: message/delivery-status||Reporting-MTA: dns; x||", "message/delivery-status")]
    [InlineData("Content-Type: plain text||x|", null)]
    [InlineData("Content-Type: ;;;=||x|", null)]
    [InlineData("Content-Type:||x|", null)]
    public void OddStructuresAreReadAsFarAsTheyGo(string text, string? shape)
    {
        var summary = Read(text);
        if (shape is not null)
        {
            Assert.Equal(shape, Shape(summary.Body));
        }

        AssertSound(summary);
    }

    [Fact]
    public void BareLineFeedsEndLinesToo()
    {
        const string Text = "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n";
        var summary = Read(Text);
        Assert.Equal("a", summary.Envelope.Subject);
        Assert.Equal(["one", "two"], summary.Body.Parts.Select(p => BodyOf(Text, p)));
    }

    [Fact]
    public void EightBitHeadersAreUtf8OrElseLatin1()
    {
        Assert.Equal("Grüße", Read("Subject: Grüße||x").Envelope.Subject);
        var latin = System.Text.Encoding.Latin1.GetBytes("Subject: Gr\u00FC\u00DFe\r\nFrom: J\u00FCrgen <j@x.test>\r\n\r\nGr\u00FC\u00DFe");
        var summary = Reader.Read(latin);
        Assert.Equal("Grüße", summary.Envelope.Subject);
        Assert.Equal("Jürgen", summary.Envelope.From[0].Name);
        Assert.Equal("Grüße", summary.Preview);
    }

    [Fact]
    public void ControlsInHeadersNeverReachTheSummary()
    {
        var summary = Read("Subject: a\0b\u0007c\rd|From: \"x\0y\" <a@b.test>|Message-ID: <a\rb@x>||x");
        var texts = new[] { summary.Envelope.Subject, summary.Envelope.From[0].Name, summary.Envelope.MessageId };
        Assert.All(texts, t => Assert.DoesNotContain(t!, char.IsControl));
    }

    /// <summary>Quotation marks of Windows-1252 are controls in Latin-1, and so is U+0085 in UTF-8.</summary>
    [Theory]
    [InlineData("\u0093a\u0094", " a ")]
    [InlineData("a\u00C2\u0085b", "a b")]
    public void ControlsBeyondAsciiNeverReachTheSummary(string octets, string expected)
    {
        var summary = Reader.Read(System.Text.Encoding.Latin1.GetBytes($"Subject: .{octets}.\r\nFrom: \".{octets}.\" <a@b.test>\r\n\r\n"));
        Assert.Equal($".{expected}.", summary.Envelope.Subject);
        Assert.Equal($".{expected}.", summary.Envelope.From[0].Name);
    }

    [Theory]
    [InlineData("To: Doe, Jane <jane@x.test>", "Doe, Jane|jane|x.test")]
    [InlineData("To: jane@x.test (Jane Doe)", "Jane Doe|jane|x.test")]
    [InlineData("To: Jane Doe jane@x.test", "Jane Doe|jane|x.test")]
    [InlineData("To: \"a b\"@x.test", "|a b|x.test")]
    [InlineData("To: <@r1.test,@r2.test:jane@x.test>", "|jane|x.test")]
    [InlineData("To: jane @ x . test", "|jane|x.test")]
    [InlineData("To: <jane@[192.0.2.1]>", "|jane|[192.0.2.1]")]
    [InlineData("To: jane@[IPv6:2001:db8::1]", "|jane|[IPv6:2001:db8::1]")]
    [InlineData("To: <>", "||")]
    [InlineData("To: jane", "|jane|")]
    [InlineData("To: a@x.test;b@y.test", "|a|x.test, |b|y.test")]
    [InlineData("To: a@x.test,,, b@y.test,", "|a|x.test, |b|y.test")]
    [InlineData("To: Jane <jane@x.test", "Jane|jane|x.test")]
    [InlineData("To: \"unclosed <jane@x.test>", "|unclosed <jane@x.test>|")]
    [InlineData("To: \"a, b\" <a@x.test>, c@y.test", "a, b|a|x.test, |c|y.test")]
    [InlineData("To: undisclosed-recipients:;", "start undisclosed-recipients, end")]
    [InlineData("To: Team: a@x.test, B <b@x.test>;, c@y.test", "start Team, |a|x.test, B|b|x.test, end, |c|y.test")]
    [InlineData("To: a@x.test|To: b@x.test", "|a|x.test, |b|x.test")]
    public void AddressListsAreReadAsTheyCome(string header, string expected)
    {
        var read = Read(header + "||x").Envelope.To.Select(a =>
            a.IsGroupEnd ? "end" : a.IsGroupStart ? $"start {a.Localpart}" : $"{a.Name}|{a.Localpart}|{a.Domain}");
        Assert.Equal(expected, string.Join(", ", read));
    }

    [Theory]
    [InlineData("Date: yesterday")]
    [InlineData("Date:")]
    [InlineData("Date: 99 Foo 2025 99:99:99 +9999")]
    [InlineData("Date: Tue, 25 Nov 2025 08:12:33 +9900")]
    public void ADateThatIsNoneIsKeptAsText(string header)
    {
        var summary = Read(header + "||x");
        Assert.Equal(header[5..].Trim(), summary.Envelope.Date);
        Assert.Equal(summary.SentAt, MessageSummary.Decode(summary.Encode()).SentAt);
    }

    internal static void AssertSound(MessageSummary summary)
    {
        AssertSound(summary.Body, 0, summary.Size);
        var bytes = summary.Encode();
        Assert.Equal(bytes, MessageSummary.Decode(bytes).Encode());
        Assert.True(summary.Preview.Length <= 256);
        Assert.DoesNotContain(summary.Preview, char.IsControl);
    }

    private static void AssertSound(BodyPart part, long from, long to)
    {
        Assert.InRange(part.HeaderOffset, from, to);
        Assert.InRange(part.BodyOffset, part.HeaderOffset, to);
        Assert.InRange(part.BodyOffset + part.BodyLength, part.BodyOffset, to);
        var previous = part.BodyOffset;
        foreach (var child in part.Parts)
        {
            AssertSound(child, previous, part.BodyOffset + part.BodyLength);
            previous = child.BodyOffset + child.BodyLength;
        }
    }
}
