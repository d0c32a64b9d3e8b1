using System.Diagnostics;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>What one server did under one load.</summary>
/// <param name="Server">Its name.</param>
/// <param name="Load">The row.</param>
/// <param name="Messages">How many the clock ran for.</param>
/// <param name="Elapsed">From the first connection until the last of them was in its mailbox.</param>
/// <param name="ProcessorTime">Of all processes of the server, meanwhile.</param>
/// <param name="Median">Of the time from the end of data to its reply.</param>
/// <param name="Percentile99">Of the same.</param>
/// <param name="PeakMemory">Bytes of all processes of the server.</param>
/// <param name="Committed">Transactions of its store, meanwhile.</param>
internal sealed record Measurement(
    string Server, Load Load, int Messages, TimeSpan Elapsed, TimeSpan ProcessorTime, TimeSpan Median, TimeSpan Percentile99, long PeakMemory, long? Committed)
{
    // Replies are timed apart: that client costs more than smtp-source does, on the same processors.
    private const int TimedShare = 4;
    private const int FewestTimed = 1000;
    private const int WarmShare = 10;

    private static readonly TimeSpan SamplePeriod = TimeSpan.FromMilliseconds(500);

    public double Throughput => Messages / Elapsed.TotalSeconds;

    public double ProcessorPerMessage => ProcessorTime.TotalMilliseconds / Messages;

    /// <summary>Runs the row: empty mailboxes, some messages first, the clock, the timed replies, and the count of what has arrived.</summary>
    /// <param name="server">It runs and has nothing else to do.</param>
    /// <param name="load">The row.</param>
    /// <param name="messages">How many the clock runs for, the same for every mailbox.</param>
    /// <param name="source">Null where it is not installed: the client that times replies then runs for the clock too.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="InvalidOperationException">A message was not accepted, or not all arrived.</exception>
    public static async Task<Measurement> TakeAsync(
        IMailServer server, Load load, int messages, SmtpSource? source, CancellationToken cancellationToken)
    {
        Task SendAsync(int count) => source is not null
            ? source.RunAsync(load, count, server.Smtp, cancellationToken)
            : new TimedClient(load, server.Smtp).RunAsync(count, cancellationToken);

        await server.AddMailboxesAsync(load.Addresses, cancellationToken);
        var first = load.Even(messages / WarmShare);
        await SendAsync(first);
        await server.AllDeliveredAsync(cancellationToken);

        server.ResetMemory();
        var committed = await server.CommittedAsync(cancellationToken);
        var processorTime = server.ProcessorTime;
        var clock = Stopwatch.StartNew();
        await SendAsync(messages);
        await server.AllDeliveredAsync(cancellationToken);
        clock.Stop();
        processorTime = server.ProcessorTime - processorTime;
        committed = await server.CommittedAsync(cancellationToken) - committed;

        var timed = load.Even(Math.Max(FewestTimed, messages / TimedShare));
        var (times, memory) = await TimeRepliesAsync(server, load, timed, cancellationToken);
        var arrived = await server.CountAsync(load.Addresses, cancellationToken);
        return arrived == first + messages + timed
            ? new Measurement(server.Name, load, messages, clock.Elapsed, processorTime, times[timed / 2], times[timed * 99 / 100], memory, committed)
            : throw new InvalidOperationException($"{server.Name} took {first + messages + timed} messages, {arrived} are in the mailboxes.");
    }

    private static async Task<(TimeSpan[] Times, long Memory)> TimeRepliesAsync(
        IMailServer server, Load load, int messages, CancellationToken cancellationToken)
    {
        var replies = new TimedClient(load, server.Smtp).RunAsync(messages, cancellationToken);
        var memory = server.Memory;
        while (await Task.WhenAny(replies, Task.Delay(SamplePeriod, cancellationToken)) != replies)
        {
            memory = Math.Max(memory, server.Memory);
        }

        memory = Math.Max(memory, server.Memory);
        await server.AllDeliveredAsync(cancellationToken);
        return (await replies, memory);
    }
}
