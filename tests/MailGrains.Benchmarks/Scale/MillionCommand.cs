using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Scale;

/// <summary>
/// A mailbox of very many messages beside an empty one: how long until it can take mail after a restart, how fast it takes it, and what is
/// written for it.
/// </summary>
internal static class MillionCommand
{
    private const int Sessions = 40;
    private const int BodyBytes = 512;
    private const int Timed = 200;
    private const int Counted = 5_000;

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 1_000_000));
        return options.InFolderAsync(folder => MeasureAsync(folder, options["--messages"], cancellationToken));
    }

    private static async Task MeasureAsync(string folder, int messages, CancellationToken cancellationToken)
    {
        var (full, empty) = (new Load(1, Sessions, BodyBytes, 1), new Load(2, Sessions, BodyBytes, 1));
        var options = new HostOptions { DataFolder = folder };
        await using (var host = await HostProcess.StartAsync(options, cancellationToken))
        {
            using var admin = host.NewAdminClient();
            await admin.PutMailboxesAsync("bench", [.. full.Addresses, .. empty.Addresses], "a long password", cancellationToken);
            var clock = Stopwatch.StartNew();
            await SendAsync(full, messages, host, cancellationToken);
            ScaleOptions.Print($"{messages} messages to one mailbox: {messages / clock.Elapsed.TotalSeconds:F0}/s");
            await host.StopAsync();
        }

        await using (var host = await HostProcess.StartAsync(options, cancellationToken))
        {
            // The empty one first: it pays for the first call of everything.
            ScaleOptions.Print($"first RCPT after a restart, empty mailbox: {await FirstRecipientAsync(empty, host, cancellationToken):F0} ms");
            ScaleOptions.Print($"first RCPT after a restart, {messages} messages: {await FirstRecipientAsync(full, host, cancellationToken):F0} ms");
            foreach (var load in new[] { empty, full, empty, full })
            {
                var times = await new TimedClient(load with { Sessions = 1 }, host.Smtp).RunAsync(Timed, cancellationToken);
                var written = Written(host);
                await SendAsync(load, Counted, host, cancellationToken);
                var each = (Written(host) - written) / 1024.0 / Counted;
                ScaleOptions.Print(
                    $"{(load == full ? "full" : "empty")}: reply to end of data p50 {times[Timed / 2].TotalMilliseconds:F2} ms, p99 {times[Timed * 99 / 100].TotalMilliseconds:F2} ms; {each:F1} KiB handed to the file system a message, snapshots and checkpoints included");
            }
        }
    }

    private static Task SendAsync(Load load, int messages, HostProcess host, CancellationToken cancellationToken) =>
        DebianProgram.Find("smtp-source") is { } program
            ? new SmtpSource(program).RunAsync(load, messages, host.Smtp, cancellationToken)
            : new TimedClient(load, host.Smtp).RunAsync(messages, cancellationToken);

    /// <summary>Milliseconds from RCPT to its reply: the mailbox is activated for it.</summary>
    private static async Task<double> FirstRecipientAsync(Load load, HostProcess host, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host.Smtp, cancellationToken);
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { NewLine = "\r\n", AutoFlush = true };
        await reader.ReadLineAsync(cancellationToken);
        await writer.WriteLineAsync("HELO client.test");
        await reader.ReadLineAsync(cancellationToken);
        await writer.WriteLineAsync($"MAIL FROM:<{Load.Sender}>");
        await reader.ReadLineAsync(cancellationToken);
        var clock = Stopwatch.StartNew();
        await writer.WriteLineAsync($"RCPT TO:<{load.Addresses[0]}>");
        var reply = await reader.ReadLineAsync(cancellationToken) ?? "";
        return reply.StartsWith("250", StringComparison.Ordinal)
            ? clock.Elapsed.TotalMilliseconds
            : throw new InvalidOperationException($"RCPT was answered {reply}.");
    }

    /// <summary>Bytes that the host has handed to the system to write, sockets' excluded: what <c>/proc/PID/io</c> calls write_bytes.</summary>
    private static long Written(HostProcess host) => File.ReadLines($"/proc/{host.Pid}/io")
        .Where(line => line.StartsWith("write_bytes:", StringComparison.Ordinal))
        .Select(line => long.Parse(line.AsSpan(line.IndexOf(' ', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture))
        .Single();
}
