using System.Diagnostics;
using System.Net;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Testing.Hosts;

namespace MailGrains.Benchmarks.Relay;

/// <summary>A server that sends everything on to the sink.</summary>
/// <param name="ProcessorTime">Of all of its processes.</param>
/// <param name="Committed">Transactions that its store has committed; null for a server that counts none.</param>
internal sealed record Relayer(string Name, IPEndPoint Smtp, Func<TimeSpan> ProcessorTime, Func<CancellationToken, Task<long?>> Committed);

/// <summary>What one server did in one round.</summary>
/// <param name="Elapsed">From the first connection until the sink had all.</param>
/// <param name="Taken">Until the last was acknowledged to its sender.</param>
/// <param name="Own">Processor time of the server, what it had to do after the last message included.</param>
/// <param name="Others">Processor time of generator and sink.</param>
internal sealed record RelayRound(string Server, int Messages, TimeSpan Elapsed, TimeSpan Taken, TimeSpan Own, TimeSpan Others, long? Committed)
{
    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan QuietPeriod = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    public double Throughput => Messages / Elapsed.TotalSeconds;

    public double OwnPerMessage => Own.TotalMilliseconds / Messages;

    public double AllPerMessage => (Own + Others).TotalMilliseconds / Messages;

    /// <exception cref="InvalidOperationException">The sink has not as many messages as were sent.</exception>
    public static async Task<RelayRound> RunAsync(
        Relayer server, SmtpSource source, SmtpSink sink, Load load, int messages, CancellationToken cancellationToken)
    {
        var first = sink.Messages;
        var committed = await server.Committed(cancellationToken);
        var (own, others) = (server.ProcessorTime(), TimeOfOthers(sink));
        var clock = Stopwatch.StartNew();
        await source.RunAsync(load, messages, server.Smtp, cancellationToken);
        var taken = clock.Elapsed;
        while (sink.Messages - first < messages)
        {
            if (clock.Elapsed > Limit)
            {
                throw new InvalidOperationException($"{server.Name} took {messages} messages; the sink has {sink.Messages - first}.");
            }

            await Task.Delay(PollPeriod, cancellationToken);
        }

        var elapsed = clock.Elapsed;
        await QuietAsync(server, cancellationToken);
        return sink.Messages - first == messages
            ? new RelayRound(
                server.Name, messages, elapsed, taken, server.ProcessorTime() - own, TimeOfOthers(sink) - others, await server.Committed(cancellationToken) - committed)
            : throw new InvalidOperationException($"{server.Name} took {messages} messages; the sink has {sink.Messages - first}.");
    }

    /// <summary>Returns when it has done what is left to do.</summary>
    private static async Task QuietAsync(Relayer server, CancellationToken cancellationToken)
    {
        for (var time = server.ProcessorTime(); ;)
        {
            await Task.Delay(QuietPeriod, cancellationToken);
            var now = server.ProcessorTime();
            if (now - time < QuietTime)
            {
                return;
            }

            time = now;
        }
    }

    // The generator's processes have ended, and nothing else that this process starts ends within a round.
    private static TimeSpan TimeOfOthers(SmtpSink sink) => sink.ProcessorTime + ProcessFigures.TimeOfEnded(Environment.ProcessId);
}
