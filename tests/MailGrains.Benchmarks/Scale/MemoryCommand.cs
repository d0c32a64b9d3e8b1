using System.Diagnostics;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Scale;

/// <summary>The host's memory after many messages to many mailboxes, all of them activated.</summary>
internal static class MemoryCommand
{
    private const int Sessions = 40;
    private const int BodyBytes = 4096;
    private const double Mebibyte = 1024 * 1024;

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 200_000), ("--mailboxes", 1_000));
        var load = new Load(1, Sessions, BodyBytes, options["--mailboxes"]);
        return options.InFolderAsync(folder => MeasureAsync(load, load.Even(options["--messages"]), folder, cancellationToken));
    }

    private static async Task MeasureAsync(Load load, int messages, string folder, CancellationToken cancellationToken)
    {
        await using var server = await MailGrainsServer.StartAsync(folder, cancellationToken);
        await server.AddMailboxesAsync(load.Addresses, cancellationToken);
        var atStart = server.WorkingSet;
        var clock = Stopwatch.StartNew();
        if (DebianProgram.Find("smtp-source") is { } program)
        {
            await new SmtpSource(program).RunAsync(load, messages, server.Smtp, cancellationToken);
        }
        else
        {
            await new TimedClient(load, server.Smtp).RunAsync(messages, cancellationToken);
        }

        var seconds = clock.Elapsed.TotalSeconds;
        var atEnd = server.WorkingSet;
        var kept = await server.CountAsync(load.Addresses, cancellationToken);
        ScaleOptions.Print($"{kept} messages of {load.Bytes} bytes in {load.Mailboxes} mailboxes, {messages / seconds:F0}/s");
        ScaleOptions.Print(
            $"working set: {atStart / Mebibyte:F0} MiB before, {atEnd / Mebibyte:F0} MiB after, {server.Memory / Mebibyte:F0} MiB at the peak, the counting by POP3 included");
        if (kept != messages)
        {
            throw new InvalidOperationException($"{messages} messages were acknowledged.");
        }
    }
}
