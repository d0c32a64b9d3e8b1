using System.Text;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Pop3;

public sealed class Pop3SessionTests
{
    private readonly Pop3Fixture _fixture = new();

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("\r\n")]
    [InlineData("no end")]
    [InlineData("bare cr\r")]
    [InlineData(".\r\n..\r\n.")]
    [InlineData("Subject: x\r\n\r\n.\r\n.a\r\n")]
    public async Task MessageComesWholeAndItsSizeIsThatOfItsLines(string message)
    {
        _fixture.Deliver(message);
        var client = await _fixture.LogInAsync();
        var expected = message.Length == 0 || message.EndsWith("\r\n", StringComparison.Ordinal) ? message : message + "\r\n";
        Assert.Equal($"+OK 1 {expected.Length}", await Pop3Fixture.AskAsync(client, "STAT"));
        Assert.Equal($"+OK {expected.Length} octets", await Pop3Fixture.AskAsync(client, "RETR 1"));
        Assert.Equal(expected, await Pop3Fixture.ReadMultiLineAsync(client));
        Assert.Equal("+OK done", await Pop3Fixture.AskAsync(client, "NOOP"));
    }

    [Fact]
    public async Task LargeMessageIsStreamedToAClientThatReadsSlowly()
    {
        var line = ".0123456789abcdef\r\n";
        var message = "Subject: large\r\n\r\n" + string.Concat(Enumerable.Repeat(line, 300_000));
        _fixture.Deliver(message);
        var client = await _fixture.LogInAsync();
        Assert.Equal($"+OK {message.Length} octets", await Pop3Fixture.AskAsync(client, "RETR 1"));
        Assert.Equal(message, await Pop3Fixture.ReadMultiLineAsync(client));
    }

    [Fact]
    public async Task DeletionsAreOneCommitAtQuitAndItsFailureIsSaid()
    {
        var asked = new List<IReadOnlyList<int>>();
        var maildrop = new ScriptedMaildrop
        {
            Delete = indexes =>
            {
                asked.Add(indexes);
                return false;
            },
        };
        var client = await _fixture.LogInAsync(maildrop);
        await client.SendAsync("DELE 3\r\nDELE 1\r\nQUIT\r\n");
        Assert.Equal(["+OK done", "+OK done", "-ERR [SYS/TEMP] some messages marked as deleted were not removed"], await client.ReadToEndAsync());
        Assert.Equal([0, 2], Assert.Single(asked));
        Assert.Equal(SessionEnd.Quit, await client.Session);
        Assert.Equal(1, maildrop.Disposals);
    }

    [Fact]
    public async Task CommitThatThrowsIsSaidToo()
    {
        var maildrop = new ScriptedMaildrop { Delete = _ => throw new TimeoutException() };
        var client = await _fixture.LogInAsync(maildrop);
        await client.SendAsync("DELE 1\r\nQUIT\r\n");
        Assert.StartsWith("-ERR [SYS/TEMP] ", (await client.ReadToEndAsync())[^1], StringComparison.Ordinal);
        Assert.IsType<TimeoutException>(Assert.Single(maildrop.Failures));
    }

    [Fact]
    public async Task LostConnectionDeletesNothingAndClosesTheMaildrop()
    {
        var maildrop = new ScriptedMaildrop { Delete = _ => throw new InvalidOperationException("asked to delete") };
        var client = await _fixture.LogInAsync(maildrop);
        await Pop3Fixture.AskAsync(client, "DELE 1");
        await client.HangUpAsync();
        Assert.Equal(SessionEnd.ConnectionLost, await client.Session);
        Assert.Empty(maildrop.Failures);
        Assert.Equal(1, maildrop.Disposals);
    }

    [Fact]
    public async Task MessageThatCannotBeOpenedIsATemporaryError()
    {
        var maildrop = new ScriptedMaildrop { Open = _ => throw new IOException("store") };
        var client = await _fixture.LogInAsync(maildrop);
        Assert.StartsWith("-ERR [SYS/TEMP] ", await Pop3Fixture.AskAsync(client, "RETR 1"), StringComparison.Ordinal);
        Assert.Single(maildrop.Failures);
        Assert.Equal("+OK done", await Pop3Fixture.AskAsync(client, "NOOP"));
    }

    [Fact]
    public async Task MessageThatBreaksOffIsNeverEndedByADot()
    {
        var maildrop = new ScriptedMaildrop { Open = _ => new BreakingStream("first line\r\n") };
        var client = await _fixture.LogInAsync(maildrop);
        await client.SendAsync("RETR 1\r\nNOOP\r\n");
        Assert.Equal(["+OK 10 octets", "first line"], await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.ClosedByBackend, await client.Session);
    }

    [Fact]
    public async Task FailedLoginIsAnsweredAfterADelayAndTheTenthClosesTheSession()
    {
        var client = await _fixture.ConnectAsync();
        for (var attempt = 1; attempt <= 10; attempt++)
        {
            await client.SendAsync($"USER {Pop3Fixture.Alice}\r\nPASS wrong\r\n");
            Assert.False(client.Transport.Input.TryRead(out _));
            _fixture.Time.Advance(TimeSpan.FromSeconds(2));
            Assert.StartsWith("+OK", await client.ReadLineAsync(), StringComparison.Ordinal);
            Assert.Equal("-ERR [AUTH] wrong name or password", await client.ReadLineAsync());
        }

        Assert.Null(await client.ReadLineAsync());
        Assert.Equal(SessionEnd.TooManyErrors, await client.Session);
    }

    [Theory]
    [InlineData(SaslStatus.Disabled, "-ERR [SYS/PERM] ")]
    [InlineData(SaslStatus.Unavailable, "-ERR [SYS/TEMP] ")]
    [InlineData((SaslStatus)99, "-ERR [SYS/TEMP] ")]
    public async Task LoginThatIsNotTheClientsFaultIsAnsweredAtOnce(SaslStatus status, string reply)
    {
        var client = await _fixture.ConnectAsync(new ScriptedMaildrop { Login = _ => SaslResult.Refuse(status) });
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            Assert.StartsWith(reply, await Pop3Fixture.AskAsync(client, "AUTH PLAIN AGEAYg=="), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task BackendSeesTheCredentialsOctetForOctet()
    {
        var seen = new List<PlainCredentials>();
        SaslResult Refuse(PlainCredentials credentials)
        {
            seen.Add(credentials);
            return SaslResult.Refuse(SaslStatus.Unavailable);
        }

        var client = await _fixture.ConnectAsync(new ScriptedMaildrop { Login = Refuse });
        await Pop3Fixture.AskAsync(client, "USER m\u00c3\u00bcller");
        await Pop3Fixture.AskAsync(client, "PASS  two  spaces ");
        await Pop3Fixture.AskAsync(client, "AUTH PLAIN " + Convert.ToBase64String(Encoding.UTF8.GetBytes("other\0müller\0pä ss")));
        Assert.Equal([new("", "müller", " two  spaces "), new("other", "müller", "pä ss")], seen);
        Assert.DoesNotContain("ss", seen[1].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdleSessionIsClosedAfterTenMinutesWithoutAWord()
    {
        var client = await _fixture.LogInAsync();
        _fixture.Time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.Equal("+OK done", await Pop3Fixture.AskAsync(client, "NOOP"));
        _fixture.Time.Advance(TimeSpan.FromMinutes(9.9));
        Assert.False(client.Session.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromMinutes(0.2));
        Assert.Empty(await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.TimedOut, await client.Session);
    }

    [Fact]
    public async Task ClientThatStopsReadingAMessageIsGivenUp()
    {
        _fixture.Deliver(new string('a', 10_000_000));
        var client = await _fixture.LogInAsync();
        await client.SendAsync("RETR 1\r\n");
        Assert.False(client.Session.IsCompleted);
        _fixture.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(SessionEnd.TimedOut, await client.Session);
    }

    [Fact]
    public async Task ShutdownLetsTheClientComeToItsQuitWhichDeletes()
    {
        _fixture.Deliver("a\r\n");
        var client = await _fixture.LogInAsync();
        await Pop3Fixture.AskAsync(client, "DELE 1");
        await _fixture.Shutdown.CancelAsync();
        _fixture.Time.Advance(_fixture.Options.ShutdownGrace * 0.9);
        Assert.Equal("+OK done", await Pop3Fixture.AskAsync(client, "NOOP"));
        _fixture.Time.Advance(_fixture.Options.ShutdownGrace * 0.9);
        await client.SendAsync("QUIT\r\n");
        Assert.StartsWith("+OK", Assert.Single(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.Quit, await client.Session);
        Assert.Empty(_fixture.Store.MessagesOf(Pop3Fixture.Alice));
    }

    [Fact]
    public async Task ShutdownEndsASessionThatPausesAndDeletesNothing()
    {
        _fixture.Deliver("a\r\n");
        var client = await _fixture.LogInAsync();
        await Pop3Fixture.AskAsync(client, "DELE 1");
        await _fixture.Shutdown.CancelAsync();
        Assert.False(client.Session.IsCompleted);
        _fixture.Time.Advance(_fixture.Options.ShutdownGrace);
        Assert.Equal(["-ERR [SYS/TEMP] server shutting down"], await client.ReadToEndAsync());
        Assert.Equal(SessionEnd.Shutdown, await client.Session);
        Assert.Single(_fixture.Store.MessagesOf(Pop3Fixture.Alice));
    }

    [Fact]
    public async Task ShutdownLetsAClientLogInThatIsAboutTo()
    {
        _fixture.Deliver("a\r\n");
        var client = await _fixture.ConnectAsync();
        await _fixture.Shutdown.CancelAsync();
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, $"USER {Pop3Fixture.Alice}"), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, "PASS secret word"), StringComparison.Ordinal);
        Assert.StartsWith("+OK 1 ", await Pop3Fixture.AskAsync(client, "STAT"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ErrorsEndTheSession()
    {
        var client = await _fixture.ConnectAsync();
        await client.SendAsync(string.Concat(Enumerable.Repeat("WHAT\r\n", 60)));
        var lines = await client.ReadToEndAsync();
        Assert.Equal(51, lines.Count);
        Assert.Equal("-ERR too many errors", lines[^1]);
    }

    [Fact]
    public async Task LongAndBadLinesAreRefusedAndTheNextOneIsRead()
    {
        var client = await _fixture.LogInAsync();
        Assert.Equal("-ERR line too long", await Pop3Fixture.AskAsync(client, new string('a', 13_000)));
        await client.SendAsync("NOOP\n");
        Assert.StartsWith("-ERR lines end in CRLF", await client.ReadLineAsync(), StringComparison.Ordinal);
        Assert.Equal("+OK done", await Pop3Fixture.AskAsync(client, "NOOP"));
    }

    [Fact]
    public async Task ListingOfALargeMaildropGoesOutInPieces()
    {
        var client = await _fixture.LogInAsync(new ScriptedMaildrop { Count = 100_000 });
        Assert.Equal("+OK 100000 1000000", await Pop3Fixture.AskAsync(client, "LIST"));
        Assert.Equal(100_000, (await Pop3Fixture.ReadMultiLineAsync(client)).Split("\r\n").Length - 1);
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, "UIDL"), StringComparison.Ordinal);
        Assert.EndsWith("100000 id99999\r\n", await Pop3Fixture.ReadMultiLineAsync(client), StringComparison.Ordinal);
    }

    [Fact]
    public async Task IdleSessionHoldsNoBuffer()
    {
        var pool = new CountingMemoryPool();
        var maildrop = new ScriptedMaildrop();
        var session = new Pop3ServerSession(_fixture.Options, maildrop, maildrop, Pop3Fixture.ClearText, _fixture.Time);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None), pool);
        await client.ReadLineAsync();
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, "AUTH PLAIN AGEAYg=="), StringComparison.Ordinal);
        Assert.Equal(0, pool.Rented);
    }

    [Fact]
    public async Task MessageThatCannotBeClosedDoesNotAnswerTwice()
    {
        var client = await _fixture.LogInAsync(new ScriptedMaildrop { Open = _ => new UnclosableStream() });
        await client.SendAsync("RETR 1\r\nNOOP\r\n");
        Assert.Equal(["+OK 10 octets", "."], await client.ReadToEndAsync());
    }

    private sealed class UnclosableStream : MemoryStream
    {
        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            throw new IOException("close");
        }
    }

    private sealed class BreakingStream(string text) : MemoryStream(Encoding.Latin1.GetBytes(text))
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is var length && length > 0 ? length : throw new IOException("broken");
    }
}
