using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Wire;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Whatever a server does, at whatever stage: bounded time, bounded memory, the right verdict.</summary>
public sealed class SmtpClientFaultTests
{
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new();

    /// <summary>How the mail goes, so far as the server offers what it takes.</summary>
    public enum Way
    {
        StepByStep,
        Pipelined,
        Chunked,
    }

    public static TheoryData<SmtpStage, ServerFault, Way> Cases()
    {
        var cases = new TheoryData<SmtpStage, ServerFault, Way>();
        foreach (var stage in Enum.GetValues<SmtpStage>().Where(stage => stage != SmtpStage.Connect))
        {
            foreach (var fault in Enum.GetValues<ServerFault>().Where(fault => fault != ServerFault.None))
            {
                foreach (var way in Enum.GetValues<Way>().Where(way => stage >= SmtpStage.Mail || way == Way.StepByStep))
                {
                    cases.Add(stage, fault, way);
                }
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task FaultIsWhatItIs(SmtpStage stage, ServerFault fault, Way way)
    {
        var pipes = new PipePair();
        string[] offers = ["STARTTLS", "AUTH PLAIN", way switch { Way.Pipelined => "PIPELINING", Way.Chunked => "CHUNKING", _ => "X" }];
        var server = new FaultyServer(pipes.Server, stage, fault, offers);
        var serving = server.RunAsync();
        await using var connection = Connect(pipes, chunkBytes: 4);
        var (result, uncertain) = await WaitAsync(RunAsync(connection, stage));
        var elapsed = _time.GetUtcNow() - _time.Start;

        Assert.Equal(stage, result.Stage);
        Assert.Equal(VerdictOf(fault), (result.Verdict, result.Cause));
        Assert.Equal(result.Cause != SmtpCause.Reply && stage == SmtpStage.EndOfData, uncertain);
        Assert.Equal(result.Cause == SmtpCause.Reply && fault != ServerFault.Closes421, connection.IsUsable);
        if (fault is ServerFault.Hangs or ServerFault.HangsInItsReply)
        {
            var timeout = TimeoutOf(stage, way);
            Assert.InRange(elapsed, timeout, timeout + Step);
        }
        else
        {
            Assert.Equal(TimeSpan.Zero, elapsed);
        }

        Assert.InRange(server.SaidBytes, 0, 256 << 10);
        Assert.Equal(stage == SmtpStage.EndOfData ? 1 : 0, server.Ends);

        // Who is said to be refused, and is asked for the content all the same, gets none (RFC 2920 §3.1).
        var isRefused = result.Cause == SmtpCause.Reply && fault != ServerFault.Closes421;
        Assert.Equal(way == Way.Pipelined && isRefused && stage is (SmtpStage.Mail or SmtpStage.Rcpt) ? 1 : 0, server.EmptyEnds);
        Assert.DoesNotContain(result.Text, char.IsControl);
        if (!connection.IsUsable)
        {
            // Nothing more is asked of it.
            var commands = server.Commands.Count;
            Assert.NotEqual(SmtpVerdict.Accepted, (await connection.NoopAsync()).Verdict);
            Assert.NotEqual(SmtpVerdict.Accepted, (await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].Verdict);
            Assert.Equal(commands, server.Commands.Count);
        }

        await connection.QuitAsync();
        await connection.DisposeAsync();
        await pipes.Client.Input.CompleteAsync();
        await pipes.Client.Output.CompleteAsync();
        await serving.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ServerWithoutFaultTakesTheMail(bool pipelines)
    {
        var pipes = new PipePair();
        _ = new FaultyServer(pipes.Server, SmtpStage.Data, ServerFault.None, pipelines ? ["PIPELINING"] : []).RunAsync();
        await using var connection = Connect(pipes);
        var (result, uncertain) = await RunAsync(connection, SmtpStage.EndOfData);
        Assert.Equal((SmtpVerdict.Accepted, false), (result.Verdict, uncertain));
        Assert.Equal("250 kept", result.Text);
        await connection.QuitAsync();
    }

    [Fact]
    public async Task ServerThatKnowsNoEhloIsGreetedByHelo()
    {
        var pipes = new PipePair();
        var script = new ScriptedServer(pipes.Server, """
            S: 220 old.example.test
            C: EHLO client.example
            S: 502 5.5.1 what
            C: HELO client.example
            S: 250 old.example.test
            """);
        await using var connection = Connect(pipes);
        Assert.True((await connection.OpenAsync()).IsAccepted);
        Assert.Equal(SmtpCapabilities.None, connection.Capabilities);
        await script.Finished;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ServerThatStopsReadingIsGivenUp(bool chunks)
    {
        var pipes = new PipePair();
        var script = new ScriptedServer(pipes.Server, $"""
            S: 220 mx
            C: EHLO client.example
            S: 250-mx
            S: 250 {(chunks ? "CHUNKING" : "X")}
            C: MAIL FROM:<sender@elsewhere.test>
            S: 250 ok
            C: RCPT TO:<alice@example.test>
            S: 250 ok
            {(chunks ? "C: BDAT 65536" : "C: DATA\nS: 354 go")}
            """);
        await using var connection = Connect(pipes);
        await connection.OpenAsync();
        var body = new byte[10 << 20];
        body.AsSpan().Fill((byte)'x');
        var asked = 0;
        var mail = SmtpClientFixture.Mail("A: b\r\n\r\n") with { MayEnd = _ => new(++asked > 0) };
        var sending = connection.SendAsync(mail with { Content = new(mail.Content.Head, body.Length, _ => new(new MemoryStream(body))) }).AsTask();
        await script.Finished;
        var result = (await WaitAsync(sending)).Recipients[0];
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.TimedOut), (result.Verdict, result.Stage, result.Cause));
        Assert.InRange(_time.GetUtcNow() - _time.Start, TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(3.5));
        Assert.Equal(0, asked);
    }

    [Fact]
    public async Task ServerThatTakesABlockNowAndThenIsGivenUpInTheEnd()
    {
        var pipes = new PipePair();
        var script = new ScriptedServer(pipes.Server, """
            S: 220 mx
            C: EHLO client.example
            S: 250 mx
            C: MAIL FROM:<sender@elsewhere.test>
            S: 250 ok
            C: RCPT TO:<alice@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            """);
        await using var connection = Connect(pipes);
        await connection.OpenAsync();
        var body = new byte[10 << 20];
        body.AsSpan().Fill((byte)'x');
        var sending = connection.SendAsync(SmtpClientFixture.Mail("") with { Content = new("A: b\r\n\r\n"u8.ToArray(), body.Length, _ => new(new MemoryStream(body))) }).AsTask();
        await script.Finished;
        while (!sending.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            if (pipes.Server.Input.TryRead(out var read))
            {
                pipes.Server.Input.AdvanceTo(read.Buffer.GetPosition(Math.Min(40 << 10, read.Buffer.Length)));
            }
        }

        var result = (await sending).Recipients[0];
        Assert.Equal((SmtpVerdict.Temporary, SmtpCause.TimedOut), (result.Verdict, result.Cause));

        // 30 minutes, and 10 MiB at 1 KiB a second.
        Assert.InRange(_time.GetUtcNow() - _time.Start, TimeSpan.FromMinutes(200), TimeSpan.FromMinutes(205));
    }

    [Fact]
    public async Task AbortEndsAWaitAndIsNoFaultOfTheServer()
    {
        var pipes = new PipePair();
        _ = new FaultyServer(pipes.Server, SmtpStage.Rcpt, ServerFault.Hangs).RunAsync();
        using var aborted = new CancellationTokenSource();
        await using var connection = new SmtpClientConnection(pipes.Client, new() { HelloName = "client.example" }, _time, aborted.Token);
        await connection.OpenAsync();
        var sending = connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n")).AsTask();
        Assert.False(sending.IsCompleted);
        await aborted.CancelAsync();
        var result = (await sending).Recipients[0];
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Rcpt, SmtpCause.Aborted), (result.Verdict, result.Stage, result.Cause));
        Assert.Equal(TimeSpan.Zero, _time.GetUtcNow() - _time.Start);
    }

    private SmtpClientConnection Connect(PipePair pipes, int chunkBytes = 64 << 10) => new(
        pipes.Client, new() { HelloName = "client.example", AllowsClearTextLogin = true, ChunkBytes = chunkBytes }, _time, TestContext.Current.CancellationToken);

    /// <summary>As far as the stage.</summary>
    private static async Task<(SmtpResult Result, bool Uncertain)> RunAsync(SmtpClientConnection connection, SmtpStage stage)
    {
        var opened = await connection.OpenAsync();
        if (!opened.IsAccepted || stage is SmtpStage.Greeting or SmtpStage.Hello)
        {
            return (opened, false);
        }

        switch (stage)
        {
            case SmtpStage.StartTls:
                return (await connection.StartTlsAsync(SmtpClientFixture.AnyPeer), false);
            case SmtpStage.Auth:
                return (await connection.AuthenticateAsync(new PlainCredentials("", "alice", "secret")), false);
            default:
                var sent = await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n", "a@example.test", "b@example.test"));
                Assert.Equal(sent.Recipients[0].Verdict, sent.Recipients[1].Verdict);
                return (sent.Recipients[0], sent.Uncertain);
        }
    }

    /// <summary>Lets time go on until there is a result, an hour at the most.</summary>
    private async Task<T> WaitAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted && _time.GetUtcNow() - _time.Start < TimeSpan.FromHours(1))
        {
            _time.Advance(Step);
        }

        return await task.WaitAsync(WireClient.Patience);
    }

    private static (SmtpVerdict, SmtpCause) VerdictOf(ServerFault fault) => fault switch
    {
        ServerFault.Refuses550 => (SmtpVerdict.Permanent, SmtpCause.Reply),
        ServerFault.Refuses450 or ServerFault.Closes421 => (SmtpVerdict.Temporary, SmtpCause.Reply),
        ServerFault.Closes or ServerFault.ClosesInItsReply => (SmtpVerdict.Temporary, SmtpCause.ConnectionLost),
        ServerFault.Hangs or ServerFault.HangsInItsReply => (SmtpVerdict.Temporary, SmtpCause.TimedOut),
        _ => (SmtpVerdict.Temporary, SmtpCause.BadReply),
    };

    private static TimeSpan TimeoutOf(SmtpStage stage, Way way) => stage switch
    {
        SmtpStage.Data when way != Way.Chunked => TimeSpan.FromMinutes(2),
        SmtpStage.EndOfData => TimeSpan.FromMinutes(10),
        _ => TimeSpan.FromMinutes(5),
    };
}
