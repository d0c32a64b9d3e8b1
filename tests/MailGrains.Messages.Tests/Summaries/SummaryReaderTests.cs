using System.Text;
using MailGrains.Messages.Summaries;
using static MailGrains.Messages.Tests.Summaries.Mail;

namespace MailGrains.Messages.Tests.Summaries;

public sealed class SummaryReaderTests
{
    private const string Nested =
        "From: a@b.test|Subject: outer|Content-Type: multipart/mixed; boundary=\"bb\"||preamble|" +
        "--bb|Content-Type: text/plain; charset=utf-8||hello|world|" +
        "--bb|Content-Type: message/rfc822||From: c@d.test|Subject: inner|Content-Type: multipart/alternative; boundary=cc||" +
        "--cc||one|--cc|Content-Type: text/html||<p>two</p>|--cc--||" +
        "--bb|Content-Type: application/pdf; name=\"a.pdf\"|Content-Disposition: attachment; filename=\"b.pdf\"|" +
        "Content-Transfer-Encoding: BASE64|Content-ID: <id@x>|Content-Description: A file|Content-MD5: Q2hlY2s=|Content-Language: de, en|" +
        "Content-Location: http://x.test/a||QUJD|" +
        "--bb--|epilogue|";

    [Fact]
    public void EnvelopeHoldsTheHeaderFieldsAsTheyStand()
    {
        var summary = Read(
            "Date: Tue, 25 Nov 2025 08:12:33 +0100|From: \"Alice \\\"A\\\" Example\" <alice@example.test>|Sender: robot@example.test|" +
            "Reply-To: list@example.test|To: bob@example.test, =?utf-8?q?J=C3=BCrgen?= <j@example.test>|Cc: (Carol) carol@example.test|" +
            "Bcc: dave@example.test|Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=| aus Wien|In-Reply-To: <1@x>|Message-ID: <2@x>|" +
            "References: <0@x>|\t<1@x>||text|");
        var envelope = summary.Envelope;
        Assert.Equal("Tue, 25 Nov 2025 08:12:33 +0100", envelope.Date);
        Assert.Equal(new DateTimeOffset(2025, 11, 25, 8, 12, 33, TimeSpan.FromHours(1)), summary.SentAt);
        Assert.Equal("=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien", envelope.Subject);
        Assert.Equal("Grüße aus Wien", HeaderValue.Decode(envelope.Subject!));
        Assert.Equal([new MailAddress("Alice \"A\" Example", "alice", "example.test")], envelope.From);
        Assert.Equal([new MailAddress(null, "robot", "example.test")], envelope.Sender);
        Assert.Equal([new MailAddress(null, "list", "example.test")], envelope.ReplyTo);
        Assert.Equal([new MailAddress(null, "bob", "example.test"), new MailAddress("=?utf-8?q?J=C3=BCrgen?=", "j", "example.test")], envelope.To);
        Assert.Equal([new MailAddress("Carol", "carol", "example.test")], envelope.Cc);
        Assert.Equal([new MailAddress(null, "dave", "example.test")], envelope.Bcc);
        Assert.Equal("<1@x>", envelope.InReplyTo);
        Assert.Equal("<2@x>", envelope.MessageId);
        Assert.Equal(["0@x", "1@x"], summary.References);
        Assert.True(summary.HasMessageId);
    }

    [Fact]
    public void AbsentFieldsDifferFromEmptyOnes()
    {
        var summary = Read("Subject:|From: a@b.test||x|");
        Assert.Equal("", summary.Envelope.Subject);
        Assert.Null(summary.Envelope.Date);
        Assert.Null(summary.Envelope.MessageId);
        Assert.Null(summary.SentAt);
        Assert.Equal(summary.Envelope.From, summary.Envelope.SenderOrFrom);
        Assert.Equal(summary.Envelope.From, summary.Envelope.ReplyToOrFrom);
    }

    [Fact]
    public void StructureIsATreeWhoseOffsetsCutOutHeadersAndBodies()
    {
        var summary = Read(Nested);
        Assert.False(summary.IsOpaque);
        Assert.Equal("multipart/mixed(text/plain message/rfc822(multipart/alternative(text/plain text/html)) application/pdf)", Shape(summary.Body));

        Assert.Equal("From: a@b.test|Subject: outer|Content-Type: multipart/mixed; boundary=\"bb\"||", HeaderOf(Nested, summary.Body));
        Assert.Equal(summary.Body.BodyOffset, summary.HeaderLength);
        Assert.Equal(summary.Size, summary.Body.BodyOffset + summary.Body.BodyLength);

        var text = summary.Body.Parts[0];
        Assert.Equal("Content-Type: text/plain; charset=utf-8||", HeaderOf(Nested, text));
        Assert.Equal("hello|world", BodyOf(Nested, text));
        Assert.Equal(2, text.Lines);
        Assert.Equal("utf-8", text.Charset);

        var message = summary.Body.Parts[1];
        Assert.Equal("inner", message.Envelope!.Subject);
        Assert.StartsWith("From: c@d.test|", BodyOf(Nested, message), StringComparison.Ordinal);
        Assert.EndsWith("--cc--|", BodyOf(Nested, message), StringComparison.Ordinal);
        Assert.Equal("From: c@d.test|Subject: inner|Content-Type: multipart/alternative; boundary=cc||", HeaderOf(Nested, message.Parts[0]));
        Assert.Equal("one", BodyOf(Nested, message.Parts[0].Parts[0]));
        Assert.Equal("|", HeaderOf(Nested, message.Parts[0].Parts[0]));
        Assert.Equal("<p>two</p>", BodyOf(Nested, message.Parts[0].Parts[1]));
    }

    [Fact]
    public void PartsKeepTheFieldsOfTheirMimeHeader()
    {
        var part = Read(Nested).Body.Parts[2];
        Assert.Equal("base64", part.Encoding);
        Assert.Equal("<id@x>", part.Id);
        Assert.Equal("A file", part.Description);
        Assert.Equal("Q2hlY2s=", part.Md5);
        Assert.Equal(["de", "en"], part.Languages);
        Assert.Equal("http://x.test/a", part.Location);
        Assert.Equal("attachment", part.Disposition);
        Assert.Equal("b.pdf", part.FileName);
        Assert.Equal([new BodyParameter("name", "a.pdf")], part.Parameters);
        Assert.Equal("QUJD", BodyOf(Nested, part));
    }

    [Theory]
    [InlineData("filename*=utf-8''%E2%82%AC%20rates.txt", "€ rates.txt")]
    [InlineData("filename*0=\"a long \"; filename*1=\"name.txt\"", "a long name.txt")]
    [InlineData("filename*0*=iso-8859-1''gr%FC; filename*1*=%DFe", "grüße")]
    [InlineData("filename=\"=?utf-8?b?4oKs?=.txt\"", "€.txt")]
    public void FileNamesAreDecoded(string parameter, string expected) =>
        Assert.Equal(expected, Read($"Content-Type: application/pdf|Content-Disposition: attachment; {parameter}||x").Body.FileName);

    [Fact]
    public void LinesOfALongTextAreCounted()
    {
        var summary = Read("Subject: x||" + string.Concat(Enumerable.Range(0, 10_000).Select(i => $"{new string('x', i % 150)}|")));
        Assert.Equal(10_000, summary.Body.Lines);
    }

    [Fact]
    public async Task AStreamGivesTheSameSummaryAsMemory()
    {
        var bytes = Bytes(Nested);
        var expected = Reader.Read(bytes).Encode();
        foreach (var step in (int[])[1, 3, 64, bytes.Length])
        {
            await using var stream = new DrippingStream(bytes, step);
            Assert.Equal(expected, (await Reader.ReadAsync(stream, TestContext.Current.CancellationToken)).Encode());
        }
    }

    [Fact]
    public async Task AStreamThatFailsIsTheCallersMatter()
    {
        await using var stream = new DrippingStream(Bytes(Nested), 16) { FailsAt = 200 };
        await Assert.ThrowsAsync<IOException>(() => Reader.ReadAsync(stream, TestContext.Current.CancellationToken));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await using var other = new DrippingStream(Bytes(Nested), 16);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Reader.ReadAsync(other, cancelled.Token));
        Assert.Equal("outer", Read(Nested).Envelope.Subject);
    }

    [Fact]
    public void ReceivedFieldsAreCounted()
    {
        var hops = string.Concat(Enumerable.Repeat("Received: from a by b; Tue, 25 Nov 2025 08:12:33 +0100|", 51));
        Assert.Equal(51, Read(hops + "Subject: x||Received: this is text|").ReceivedCount);
        Assert.Equal(0, Read("Subject: x||x").ReceivedCount);
    }

    [Theory]
    [InlineData("References: <root@x> <2@x>|In-Reply-To: <2@x>|Message-ID: <3@x>", "Message-ID: <root@x>")]
    [InlineData("In-Reply-To: Your message <root@x>|Message-ID: <3@x>", "Message-ID: <root@x>")]
    [InlineData("References: root@x other@x|Message-ID: <3@x>", "Message-ID: <root@x>")]
    [InlineData("References:| <root@x>|Message-ID: <3@x>", "Message-ID:|\t<root@x>")]
    public void TheThreadIsNamedByItsRoot(string header, string root)
    {
        var thread = Read(header + "||x").ThreadId();
        Assert.NotNull(thread);
        Assert.Equal(Read(root + "||x").ThreadId(), thread);
    }

    [Theory]
    [InlineData("Subject: x")]
    [InlineData("Message-ID:")]
    [InlineData("Message-ID: <>")]
    public void WithoutIdsThereIsNoThread(string header)
    {
        var summary = Read(header + "||x");
        Assert.Null(summary.ThreadId());
        Assert.False(summary.HasMessageId);
    }

    [Fact]
    public void TheThreadIdIsTheHashOfTheRoot()
    {
        var hash = System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes("root@x"));
        Assert.Equal(System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash), Read("Message-ID: <root@x>||x").ThreadId());
    }

    [Theory]
    [InlineData("Content-Type: text/plain||x", false)]
    [InlineData("Content-Type: image/png||x", true)]
    [InlineData("Content-Type: text/plain; name=a.txt||x", true)]
    [InlineData("Content-Type: text/plain|Content-Disposition: attachment||x", true)]
    [InlineData("Content-Type: image/png|Content-Disposition: inline||x", false)]
    [InlineData("Content-Type: multipart/alternative; boundary=b||--b||t|--b|Content-Type: text/calendar||c|--b--|", false)]
    [InlineData("Content-Type: multipart/related; boundary=b||--b|Content-Type: text/html||h|--b|Content-Type: image/png|Content-ID: <i>||c|--b--|", false)]
    [InlineData("Content-Type: multipart/mixed; boundary=b||--b||t|--b|Content-Type: message/rfc822||Subject: x||c|--b--|", true)]
    [InlineData("Content-Type: multipart/signed; boundary=b||--b||t|--b|Content-Type: application/pgp-signature; name=s.asc||c|--b--|", false)]
    [InlineData("Content-Type: multipart/report; boundary=b||--b||t|--b|Content-Type: message/delivery-status||c|--b--|", false)]
    public void AttachmentsAreWhatAReaderWouldSave(string text, bool expected) => Assert.Equal(expected, Read(text).HasAttachment);
}
