using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp.Client;

public sealed class ReplyReaderTests
{
    [Theory]
    [InlineData("250 ok\r\n", "250 ok")]
    [InlineData("250\r\n", "250 ")]
    [InlineData("250 \r\n", "250 ")]
    [InlineData("250 ok\n", "250 ok")]
    [InlineData("250-2.1.0 a\r\n250-2.1.0 b\r\n250 2.1.0 c\r\n", "250 2.1.0 a b c")]
    [InlineData("550-5.1.1 a\r\n550 b\r\n", "550 5.1.1 a b")]
    [InlineData("550-a\r\n550 5.1.1 b\r\n", "550 5.1.1 a b")]
    [InlineData("550-5.1.1 a\r\n550 5.1.2 b\r\n", "550 5.1.1 a 5.1.2 b")]
    [InlineData("550 4.1.1 a\r\n", "550 4.1.1 a")]
    [InlineData("250 2.1.0\r\n", "250 2.1.0 ")]
    [InlineData("250 2.1.0x\r\n", "250 2.1.0x")]
    [InlineData("250 2.1000.0 x\r\n", "250 2.1000.0 x")]
    [InlineData("554 a\u0000b\u001b[1mc\td\r\u007f\r\n", "554 a?b?[1mc?d??")]
    [InlineData("554 \u00c3\u00a4 \u00ff \u00e2\u0080\u00ae \u00c2\u0085\r\n", "554 ä ? ? ?")]
    public void ReplyIsReadAndItsTextCleaned(string wire, string text)
    {
        var (status, reader) = Read(wire, ReplyForm.Plain);
        Assert.Equal(ReplyStatus.Whole, status);
        Assert.Equal(text, reader.Reply!.ToString());
    }

    [Fact]
    public void EnhancedCodeOfAnotherClassIsText()
    {
        var reply = Read("550 4.1.1 a\r\n", ReplyForm.Plain).Reader.Reply!;
        Assert.True(reply.EnhancedCode.IsNone);
        Assert.Equal("5.0.0", reply.DsnStatus);
        Assert.Equal("4.1.1 a", reply.Text);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("25\r\n")]
    [InlineData("2500 x\r\n")]
    [InlineData("150 x\r\n")]
    [InlineData("600 x\r\n")]
    [InlineData("2x0 x\r\n")]
    [InlineData(" 250 x\r\n")]
    [InlineData("250\tx\r\n")]
    [InlineData("250-a\r\n250b\r\n")]
    [InlineData("250-a\r\n251 b\r\n")]
    [InlineData("\u0016\u0003\u0001\n")]
    public void WhatIsNoReplyIsBroken(string wire)
    {
        var (status, reader) = Read(wire, ReplyForm.Plain);
        Assert.Equal(ReplyStatus.Broken, status);
        Assert.DoesNotContain(reader.Defect, char.IsControl);
    }

    [Theory]
    [InlineData(100, true)]
    [InlineData(101, false)]
    public void ReplyHasABoundInLines(int lines, bool isRead)
    {
        Assert.Equal(isRead ? ReplyStatus.Whole : ReplyStatus.Broken, Read(string.Concat(Enumerable.Repeat("250-x\r\n", lines - 1)) + "250 x\r\n", ReplyForm.Plain).Status);
    }

    [Fact]
    public void EhloHasMoreLinesAndABoundTo()
    {
        var wire = string.Concat(Enumerable.Repeat("250-SIZE 5\r\n", 199)) + "250 PIPELINING\r\n";
        var (status, reader) = Read(wire, ReplyForm.Extensions);
        Assert.Equal(ReplyStatus.Whole, status);
        Assert.Equal(199, reader.Extensions.Count);
        Assert.Equal(ReplyStatus.Broken, Read("250-x\r\n" + wire, ReplyForm.Extensions).Status);
    }

    [Theory]
    [InlineData(2_000)]
    [InlineData(2_048)]
    [InlineData(2_049)]
    [InlineData(60_000)]
    public void LongLineIsCutAndTheNextIsRead(int chars)
    {
        foreach (var pieceBytes in new[] { int.MaxValue, 1_000, 7 })
        {
            var (status, reader) = Read($"250-{new string('x', chars - 4)}\r\n250 end\r\n", ReplyForm.Plain, pieceBytes);
            Assert.Equal(ReplyStatus.Whole, status);
            Assert.Equal(new string('x', PeerReply.MaxTextChars), reader.Reply!.Text);
        }
    }

    [Fact]
    public void LineWithoutEndIsBroken()
    {
        Assert.Equal(ReplyStatus.Incomplete, Read("250 " + new string('x', 60_000), ReplyForm.Plain, 1_000).Status);
        Assert.Equal(ReplyStatus.Broken, Read("250 " + new string('x', 66_000), ReplyForm.Plain, 1_000).Status);
        Assert.Equal(ReplyStatus.Broken, Read("250 " + new string('x', 66_000) + "\r\n", ReplyForm.Plain).Status);
    }

    [Fact]
    public void TextOfManyLinesIsCut()
    {
        var reply = Read(string.Concat(Enumerable.Repeat("550-5.7.1 words and words\r\n", 90)) + "550 5.7.1 end\r\n", ReplyForm.Plain).Reader.Reply!;
        Assert.Equal(PeerReply.MaxTextChars, reply.Text.Length);
        Assert.Equal(new EnhancedCode(7, 1), reply.EnhancedCode);
    }

    [Fact]
    public void ReplyIsTheSameHoweverItComes()
    {
        Gen.Select(Gen.Char["25 04-.\r\n\u0001xy"].Array[0, 60], Gen.Int[1, 9]).Sample((chars, pieceBytes) =>
        {
            var wire = "250-a\r\n" + new string(chars) + "\r\n250 b\r\n";
            var (status, whole) = Read(wire, ReplyForm.Plain);
            var (cutStatus, cut) = Read(wire, ReplyForm.Plain, pieceBytes);
            return status == cutStatus && whole.Reply == cut.Reply && whole.Defect == cut.Defect;
        });
    }

    [Fact]
    public void TextMadeByHandIsCleanedToo()
    {
        var reply = new PeerReply(550, new EnhancedCode(1, 1), "a\r\nBcc: x\u202e" + new string('y', 600));
        Assert.StartsWith("a??Bcc: x?yyy", reply.Text, StringComparison.Ordinal);
        Assert.Equal(PeerReply.MaxTextChars, reply.Text.Length);
    }

    [Fact]
    public void CapabilitiesAreReadInEitherCase()
    {
        var found = SmtpCapabilities.Read(
        [
            "pipelining", "SIZE 1000", "8bitmime", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "STARTTLS", "AUTH PLAIN scram-sha-1", "AUTH=LOGIN PLAIN", "REQUIRETLS",
            "DELIVERBY 240", "MT-PRIORITY STANAG4406", "ENHANCEDSTATUSCODES", "LIMITS RCPTMAX=20 x MAILMAX=5 RCPTDOMAINMAX=1 =3 Y=", "XWHATEVER 1 2", "",
        ]);
        Assert.Equal(["PLAIN", "scram-sha-1", "LOGIN", "PLAIN"], found.Auth);
        Assert.Equal(
            new SmtpCapabilities
            {
                Pipelining = true,
                Size = 1000,
                EightBitMime = true,
                SmtpUtf8 = true,
                Chunking = true,
                BinaryMime = true,
                Dsn = true,
                StartTls = true,
                RequireTls = true,
                DeliverBy = TimeSpan.FromMinutes(4),
                MtPriority = true,
                EnhancedStatusCodes = true,
                MaxRecipients = 20,
                MaxMails = 5,
                Auth = found.Auth,
            },
            found);
    }

    [Theory]
    [InlineData("SIZE", 0L)]
    [InlineData("SIZE x", 0L)]
    [InlineData("SIZE 99999999999999999999", 0L)]
    [InlineData("SIZEX 5", null)]
    public void SizeWithoutANumberIsNoLimit(string line, long? size)
    {
        Assert.Equal(size, SmtpCapabilities.Read([line]).Size);
        Assert.Null(SmtpCapabilities.Read(["LIMITS RCPTMAX=0 MAILMAX=-1"]).MaxRecipients);
        Assert.False(SmtpCapabilities.Read(["BINARYMIME"]).BinaryMime);
    }

    private static (ReplyStatus Status, ReplyReader Reader) Read(string wire, ReplyForm form, int pieceBytes = int.MaxValue)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        var lines = new LineBuffer(100);
        var reader = new ReplyReader();
        reader.Begin(form);
        var status = ReplyStatus.Incomplete;
        foreach (var piece in Encoding.Latin1.GetBytes(wire).Chunk(Math.Min(pieceBytes, Math.Max(1, wire.Length))))
        {
            pipe.Writer.Write(piece);
            _ = pipe.Writer.FlushAsync().AsTask().GetAwaiter().GetResult();
            pipe.Reader.TryRead(out var result);
            lines.Accept(result.Buffer);
            status = reader.Take(lines);
            pipe.Reader.AdvanceTo(lines.Unread.Start, lines.Unread.End);
            if (status != ReplyStatus.Incomplete)
            {
                break;
            }
        }

        return (status, reader);
    }
}
