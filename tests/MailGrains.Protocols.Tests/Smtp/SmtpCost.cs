using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>
/// What a session costs. Both ends run inline on the test's thread, so its allocations are counted exactly whatever else runs; the processor time that is
/// printed is the whole process's and means something when the class runs alone.
/// </summary>
public sealed class SmtpCost(ITestOutputHelper output)
{
    private static readonly byte[][] Steps =
    [
        "EHLO client.example\r\n"u8.ToArray(), "MAIL FROM:<sender@elsewhere.test> SIZE=4096\r\n"u8.ToArray(), "RCPT TO:<alice@example.test>\r\n"u8.ToArray(),
        "DATA\r\n"u8.ToArray(), Encoding.ASCII.GetBytes("Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 57)) + ".\r\n"),
        "QUIT\r\n"u8.ToArray(),
    ];

    [Fact]
    public async Task OfAConnectionWithOneMessageOf4KiB()
    {
        const int messages = 20_000;
        await RunAsync(messages);
        await PipesAloneAsync(messages);

        // Tests beside it take from the same pools, so that some of the turns allocate more.
        var (allocated, session) = (long.MaxValue, double.MaxValue);
        for (var turn = 0; turn < 3; turn++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            session = Math.Min(session, await MeasureAsync(RunAsync, messages));
            allocated = Math.Min(allocated, (GC.GetAllocatedBytesForCurrentThread() - before) / messages);
        }

        var pipes = await MeasureAsync(PipesAloneAsync, messages);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{session:f1} us of CPU and {allocated} bytes, {pipes:f1} us of it for pipes and client"));
        Assert.InRange(allocated, 1, 4_000);
    }

    [Fact]
    public async Task OfAnIdleSession()
    {
        const int sessions = 1_000;
        var options = new SmtpServerOptions { HostName = "mx.example.test" };
        var pipes = Enumerable.Range(0, sessions).Select(_ => new PipePair()).ToArray();
        var running = new Task[sessions];
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < sessions; i++)
        {
            running[i] = new SmtpServerSession(options, new NullBackend(), TimeProvider.System).RunAsync(pipes[i].Server, CancellationToken.None);
            Drain(pipes[i].Client);
            await pipes[i].Client.Output.WriteAsync(Steps[0], TestContext.Current.CancellationToken);
            Drain(pipes[i].Client);
        }

        // What was allocated and not given back can't be more than what was allocated.
        allocated = (GC.GetAllocatedBytesForCurrentThread() - allocated) / sessions;
        output.WriteLine($"{allocated} bytes");
        Assert.InRange(allocated, 1, 4_000);
        foreach (var pair in pipes)
        {
            await pair.Client.Output.CompleteAsync();
        }

        await Task.WhenAll(running);
    }

    /// <summary>Processor time, since the machine may have other work.</summary>
    private static async Task<double> MeasureAsync(Func<int, Task> run, int messages)
    {
        var before = Environment.CpuUsage.TotalTime;
        await run(messages);
        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / messages;
    }

    private static async Task RunAsync(int messages)
    {
        var options = new SmtpServerOptions { HostName = "mx.example.test" };
        for (var i = 0; i < messages; i++)
        {
            var pipes = new PipePair();
            var running = new SmtpServerSession(options, new NullBackend(), TimeProvider.System).RunAsync(pipes.Server, CancellationToken.None);
            Drain(pipes.Client);
            foreach (var step in Steps)
            {
                await pipes.Client.Output.WriteAsync(step);
                Drain(pipes.Client);
            }

            await running;
        }
    }

    private static async Task PipesAloneAsync(int messages)
    {
        for (var i = 0; i < messages; i++)
        {
            var pipes = new PipePair();
            foreach (var step in Steps)
            {
                await pipes.Client.Output.WriteAsync(step);
                Drain(pipes.Server);
                await pipes.Server.Output.WriteAsync(SmtpReply.Ok250.Wire);
                Drain(pipes.Client);
            }
        }
    }

    private static void Drain(IDuplexPipe end)
    {
        if (!end.Input.TryRead(out var result))
        {
            throw new InvalidOperationException("no reply");
        }

        end.Input.AdvanceTo(result.Buffer.End);
    }

    private sealed class NullBackend : ISmtpBackend, ISmtpContentSink
    {
        public void Hello(SmtpHello hello)
        {
        }

        public void Secured(TlsFacts tls)
        {
        }

        public void Authenticated(SaslIdentity identity)
        {
        }

        public ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken) => new(SmtpReply.SenderOk250);

        public ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken) => new(SmtpReply.RecipientOk250);

        public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken) => new(SmtpContentStart.To(this));

        public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken) => default;

        public ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken) => new(SmtpReply.Ok250);

        public ValueTask AbortAsync(SmtpContentFailure reason) => default;

        public void Reset()
        {
        }

        public void Failed(Exception failure)
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
