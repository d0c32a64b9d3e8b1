using System.Text;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Protocols.Tests.Smtp.Client;

public sealed class SmtpClientTests : IAsyncDisposable
{
    private const string Message = "Subject: x\r\n\r\n.\r\n..two\r\nend\r\n";

    private readonly SmtpClientFixture _fixture = new();

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task MailArrivesAsItWasSent()
    {
        var connection = await _fixture.OpenAsync();
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message, SmtpClientFixture.Alice, SmtpClientFixture.Bob));
        Assert.All(result.Recipients, recipient => Assert.Equal((SmtpVerdict.Accepted, SmtpStage.EndOfData), (recipient.Verdict, recipient.Stage)));
        Assert.False(result.Uncertain);
        Assert.Equal([Message], _fixture.MessagesOf(SmtpClientFixture.Alice));
        Assert.Equal([Message], _fixture.MessagesOf(SmtpClientFixture.Bob));
        Assert.Contains($"\r\nBDAT {Message.Length} LAST\r\n", _fixture.SentText, StringComparison.Ordinal);
        await connection.QuitAsync();
        Assert.EndsWith("QUIT\r\n", _fixture.SentText, StringComparison.Ordinal);
        Assert.False(connection.IsUsable);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task ConnectionTakesMailAfterMail(bool pipelines, bool chunks)
    {
        _fixture.Options = _fixture.Options with { UsesPipelining = pipelines, UsesChunking = chunks, ChunkBytes = 7 };
        var connection = await _fixture.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.True(connection.IsUsable);
            Assert.True(Assert.Single((await connection.SendAsync(SmtpClientFixture.Mail(Message))).Recipients).IsAccepted);
        }

        Assert.Equal(3, connection.Mails);
        Assert.Equal([Message, Message, Message], _fixture.MessagesOf(SmtpClientFixture.Alice));
        Assert.Equal(chunks ? 0 : 3, _fixture.SentText.Split("\r\nDATA\r\n").Length - 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachRecipientHasItsOwnResult(bool pipelines)
    {
        _fixture.Options = _fixture.Options with { UsesPipelining = pipelines };
        _fixture.Store.AddMailbox("full", "example.test", "x", maxMessages: 0);
        var connection = await _fixture.OpenAsync();
        var result = await connection.SendAsync(
            SmtpClientFixture.Mail(Message, "nobody@example.test", SmtpClientFixture.Alice, "full@example.test", "x@foreign.test"));
        Assert.Equal(
            [(SmtpVerdict.Permanent, SmtpStage.Rcpt), (SmtpVerdict.Accepted, SmtpStage.EndOfData), (SmtpVerdict.Temporary, SmtpStage.Rcpt), (SmtpVerdict.Permanent, SmtpStage.Rcpt)],
            result.Recipients.Select(recipient => (recipient.Verdict, recipient.Stage)));
        Assert.Equal("5.1.1", result.Recipients[0].Reply!.DsnStatus);
        Assert.Equal(550, result.Recipients[0].Reply!.Code);
        Assert.Equal("4.2.2", result.Recipients[2].Reply!.DsnStatus);
        Assert.False(result.Recipients[2].MayGoAtOnce);
        Assert.Single(_fixture.MessagesOf(SmtpClientFixture.Alice));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public async Task WhenNobodyIsAcceptedTheNextMailStartsAfresh(bool pipelines, bool chunks)
    {
        _fixture.Options = _fixture.Options with { UsesPipelining = pipelines, UsesChunking = chunks };
        var connection = await _fixture.OpenAsync();
        var refused = await connection.SendAsync(SmtpClientFixture.Mail(Message, "nobody@example.test", "x@foreign.test"));
        Assert.All(refused.Recipients, recipient => Assert.Equal((SmtpVerdict.Permanent, SmtpStage.Rcpt), (recipient.Verdict, recipient.Stage)));
        Assert.True(connection.IsUsable);
        Assert.True((await connection.SendAsync(SmtpClientFixture.Mail(Message, SmtpClientFixture.Bob))).Recipients[0].IsAccepted);
        Assert.Equal([Message], _fixture.MessagesOf(SmtpClientFixture.Bob));
        Assert.Empty(_fixture.MessagesOf(SmtpClientFixture.Alice));
    }

    [Fact]
    public async Task ParametersAreReadAsTheyWereSent()
    {
        var connection = await _fixture.OpenAsync();
        await connection.StartTlsAsync(SmtpClientFixture.AnyPeer);
        var now = _fixture.Time.GetUtcNow();
        var parameters = new MailParameters(null, BodyType.EightBitMime, SmtpUtf8: true)
        {
            Auth = "someone+else=x@example.test",
            Return = DsnReturn.Headers,
            EnvelopeId = "id +=1",
            DeliverBy = new DeliverByTime(now.AddMinutes(5), Returns: true, Trace: true),
            Priority = -4,
            RequireTls = true,
        };
        OutgoingRecipient[] recipients =
        [
            new(ForwardPath.Parse(SmtpClientFixture.Alice)!.Value)
            {
                Parameters = new() { Notify = DsnNotify.Success | DsnNotify.Delay, OriginalRecipient = new("rfc822", "a+b=c@example.test") },
            },
            new(ForwardPath.Parse(SmtpClientFixture.Bob)!.Value) { Parameters = new() { Notify = DsnNotify.Never, OriginalRecipient = new("utf-8", "bøb\\+=@example.test") } },
        ];
        var mail = SmtpClientFixture.Mail(Message) with { Parameters = parameters, Recipients = recipients };
        var result = await connection.SendAsync(mail);
        Assert.All(result.Recipients, recipient => Assert.True(recipient.IsAccepted, recipient.Text));
        Assert.Equal(parameters with { Size = Message.Length }, Assert.Single(_fixture.Backend!.Mails));
        Assert.Equal(recipients.Select(recipient => recipient.Parameters), _fixture.Backend.Rcpts);
    }

    [Fact]
    public async Task WhatTheServerDoesNotOfferIsLeftOut()
    {
        await using var fixture = new SmtpClientFixture { Server = new() { HostName = "mx.example.test" }, Connection = SmtpConnection.Plain };
        var connection = await fixture.OpenAsync();
        var mail = SmtpClientFixture.Mail(Message) with
        {
            Parameters = new MailParameters
            {
                Auth = "",
                Return = DsnReturn.Full,
                EnvelopeId = "x",
                DeliverBy = new DeliverByTime(fixture.Time.GetUtcNow().AddMinutes(5), Returns: false, Trace: false),
                Priority = 3,
            },
            Recipients = [new(ForwardPath.Parse(SmtpClientFixture.Alice)!.Value) { Parameters = new() { Notify = DsnNotify.Success } }],
        };
        Assert.True((await connection.SendAsync(mail)).Recipients[0].IsAccepted);
        Assert.Contains($"MAIL FROM:<sender@elsewhere.test> SIZE={Message.Length}\r\nRCPT TO:<alice@example.test>\r\n", fixture.SentText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutWhatAMessageNeedsNothingIsAsked()
    {
        _fixture.Options = _fixture.Options with { UsesChunking = false };
        var connection = await _fixture.OpenAsync();
        var sent = _fixture.Sent.WrittenCount;
        var late = new DeliverByTime(_fixture.Time.GetUtcNow(), Returns: true, Trace: false);
        foreach (var (mail, cause) in new[]
        {
            (SmtpClientFixture.Mail(Message) with { Parameters = new(null, BodyType.BinaryMime, false) }, SmtpCause.NotOffered),
            (SmtpClientFixture.Mail(Message) with { Parameters = new() { RequireTls = true } }, SmtpCause.NotOffered),
            (SmtpClientFixture.Mail(Message) with { Parameters = new() { DeliverBy = late } }, SmtpCause.TooLate),
            (SmtpClientFixture.Mail(Message) with { Content = new("x"u8.ToArray(), 50 << 20, _ => new(Stream.Null)) }, SmtpCause.TooLarge),
            (SmtpClientFixture.Mail(Message) with { ReversePath = new(null, "a@b.test> SIZE=1\r\nRCPT TO:<x@y.test") }, SmtpCause.BadEnvelope),
            (SmtpClientFixture.Mail(Message) with { ReversePath = ReversePath.Parse("ä@b.test")!.Value }, SmtpCause.BadEnvelope),
        })
        {
            var result = Assert.Single((await connection.SendAsync(mail)).Recipients);
            Assert.Equal((SmtpVerdict.Permanent, SmtpStage.Mail, cause), (result.Verdict, result.Stage, result.Cause));
        }

        Assert.Equal(sent, _fixture.Sent.WrittenCount);
        Assert.True(connection.IsUsable);
    }

    [Fact]
    public async Task RecipientThatIsNoAddressIsRefusedAloneAndHere()
    {
        var connection = await _fixture.OpenAsync();
        var mail = SmtpClientFixture.Mail(Message) with
        {
            Recipients = [new(new ForwardPath(null, "x>\r\nDATA")), new(ForwardPath.Parse(SmtpClientFixture.Alice)!.Value), new(ForwardPath.Parse("ä@example.test")!.Value)],
        };
        var result = await connection.SendAsync(mail);
        Assert.Equal([SmtpCause.BadEnvelope, SmtpCause.Reply, SmtpCause.BadEnvelope], result.Recipients.Select(recipient => recipient.Cause));
        Assert.DoesNotContain("x>", _fixture.SentText, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", result.Recipients[0].Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ManyRecipientsGoInOneTransaction(bool pipelines)
    {
        var names = Enumerable.Range(0, 300).Select(i => $"u{i}@example.test").ToArray();
        foreach (var name in names)
        {
            _fixture.Store.AddMailbox(name.Split('@')[0], "example.test", "x");
        }

        _fixture.Options = _fixture.Options with { UsesPipelining = pipelines, MaxRecipients = 250 };
        var connection = await _fixture.OpenAsync();
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message, names));
        Assert.All(result.Recipients.Take(250), recipient => Assert.True(recipient.IsAccepted));
        Assert.All(result.Recipients.Skip(250), recipient => Assert.True(recipient is { Verdict: SmtpVerdict.Temporary, Cause: SmtpCause.NotAsked, MayGoAtOnce: true }));
        Assert.Single(_fixture.MessagesOf(names[249]));
        Assert.Empty(_fixture.MessagesOf(names[250]));
    }

    [Fact]
    public async Task ServersLimitOfRecipientsIsKeptAndTheRestMayGoAtOnce()
    {
        await using var fixture = new SmtpClientFixture { Server = new() { HostName = "mx.example.test", MaxRecipients = 1 } };
        var connection = await fixture.OpenAsync();
        Assert.Equal(1, connection.Capabilities.MaxRecipients);
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message, SmtpClientFixture.Alice, SmtpClientFixture.Bob));
        Assert.Equal([true, false], result.Recipients.Select(recipient => recipient.IsAccepted));
        Assert.True(result.Recipients[1].MayGoAtOnce);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WithoutLeaveTheEndIsNotSent(bool chunks)
    {
        _fixture.Options = _fixture.Options with { UsesChunking = chunks, ChunkBytes = 8 };
        var connection = await _fixture.OpenAsync();
        var asked = 0;
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message) with { MayEnd = _ => new(++asked < 0) });
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.NotAllowed), Verdict(result));
        Assert.False(result.Uncertain);
        Assert.Equal(1, asked);
        Assert.False(connection.IsUsable);
        await connection.QuitAsync();
        await connection.DisposeAsync();
        Assert.DoesNotContain("LAST", _fixture.SentText, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\n.\r\n", _fixture.SentText, StringComparison.Ordinal);
        Assert.Empty(_fixture.MessagesOf(SmtpClientFixture.Alice));
    }

    [Theory]
    [InlineData(true, -1)]
    [InlineData(true, 1)]
    [InlineData(false, -1)]
    [InlineData(false, 1)]
    public async Task ContentOfAnotherLengthDoesNotGetToItsEnd(bool chunks, int difference)
    {
        _fixture.Options = _fixture.Options with { UsesChunking = chunks };
        var connection = await _fixture.OpenAsync();
        var body = Encoding.Latin1.GetBytes(Message);
        var content = new OutgoingContent("A: b\r\n"u8.ToArray(), body.Length - difference, _ => new(new MemoryStream(body)));
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message) with { Content = content });
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.LocalFailure), Verdict(result));
        Assert.IsType<IOException>(result.Recipients[0].Failure);
        Assert.Empty(_fixture.MessagesOf(SmtpClientFixture.Alice));
    }

    [Fact]
    public async Task FailureOfTheCallersStreamIsTemporaryAndSaid()
    {
        var connection = await _fixture.OpenAsync();
        var content = new OutgoingContent(default, 10, _ => throw new TimeoutException());
        var result = await connection.SendAsync(SmtpClientFixture.Mail("") with { Content = content });
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.LocalFailure), Verdict(result));
        Assert.IsType<TimeoutException>(result.Recipients[0].Failure);
    }

    [Fact]
    public async Task RefusedContentIsEachRecipientsResult()
    {
        var backend = new ScriptedSmtpBackend { Complete = () => new(new SmtpReply(554, new EnhancedCode(7, 1), "No \u0007 spam")) };
        var connection = await _fixture.OpenAsync(backend);
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message));
        Assert.Equal((SmtpVerdict.Permanent, SmtpStage.EndOfData, SmtpCause.Reply), Verdict(result));
        Assert.Equal("554 5.7.1 No ? spam", result.Recipients[0].Text);
        Assert.True(connection.IsUsable);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ChunkThatIsRefusedEndsTheMessageAndNotTheConnection(bool pipelines)
    {
        var isRefused = true;
        var backend = new ScriptedSmtpBackend { Write = _ => new(isRefused ? SmtpReply.MailboxFull452 : null) };
        _fixture.Options = _fixture.Options with { ChunkBytes = 2, UsesPipelining = pipelines };
        var connection = await _fixture.OpenAsync(backend);
        var result = await connection.SendAsync(SmtpClientFixture.Mail(Message));
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.Reply), Verdict(result));
        Assert.True(connection.IsUsable);
        isRefused = false;
        Assert.True((await connection.SendAsync(SmtpClientFixture.Mail(Message))).Recipients[0].IsAccepted);
    }

    [Fact]
    public async Task SlowServerSlowsTheReaderOfTheContent()
    {
        var gate = new TaskCompletionSource<SmtpReply?>();
        var backend = new ScriptedSmtpBackend { Write = _ => new(gate.Task) };
        _fixture.Options = _fixture.Options with { UsesChunking = false };
        var connection = await _fixture.OpenAsync(backend);
        var body = new CountingStream(20 << 20);
        var sending = connection.SendAsync(SmtpClientFixture.Mail("") with { Content = new("A: b\r\n\r\n"u8.ToArray(), body.Length, _ => new(body)) }).AsTask();
        Assert.False(sending.IsCompleted);
        Assert.InRange(body.Position, 1, 1 << 20);
        gate.SetResult(null);
        Assert.True((await sending).Recipients[0].IsAccepted);
        Assert.Equal(body.Length, body.Position);
    }

    [Fact]
    public async Task NoopAndRsetAreAnswered()
    {
        var connection = await _fixture.OpenAsync();
        Assert.True((await connection.NoopAsync()).IsAccepted);
        Assert.True((await connection.ResetAsync()).IsAccepted);
        Assert.True(connection.IsUsable);
    }

    [Fact]
    public async Task NameThatIsNoneIsSaidAtOnce()
    {
        Assert.Throws<ArgumentException>(() => new SmtpClientOptions { HelloName = "a b" });
        Assert.Throws<ArgumentException>(() => new SmtpClientOptions { HelloName = "a\r\nQUIT" });
        Assert.Equal("[127.0.0.1]", new SmtpClientOptions { HelloName = "[127.0.0.1]" }.HelloName);
        await Task.CompletedTask;
    }

    private static (SmtpVerdict, SmtpStage, SmtpCause) Verdict(SmtpSendResult result)
    {
        var first = Assert.Single(result.Recipients);
        return (first.Verdict, first.Stage, first.Cause);
    }

    /// <summary>Lines of so many octets in all, made as they are read.</summary>
    private sealed class CountingStream(long length) : Stream
    {
        private const int LineBytes = 64;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var most = (int)Math.Min(buffer.Length, length - Position);
            for (var i = 0; i < most; i++)
            {
                buffer.Span[i] = ((Position + i) % LineBytes) switch { LineBytes - 2 => (byte)'\r', LineBytes - 1 => (byte)'\n', _ => (byte)'x' };
            }

            Position += most;
            return new(most);
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
