using System.Globalization;
using System.Runtime.InteropServices;
using MailGrains.Benchmarks.Peer;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>Mail comes in by SMTP and lies in its mailbox: how fast, at what cost, and against Postfix and Dovecot.</summary>
internal static class DeliveryCommand
{
    // The peer takes about a tenth in the same time.
    private const int PeerShare = 10;

    public static async Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = DeliveryOptions.Parse(args);
        var source = DebianProgram.Find("smtp-source") is { } program ? new SmtpSource(program) : null;
        Print($"Sender: {(source is null ? "built in; smtp-source (Debian package postfix) is not installed" : "smtp-source")}");
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"mailgrains-bench-{Environment.ProcessId}")).FullName;
        Print($"Folder: {folder} ({FileSystem(folder)})");
        Print($"Machine: {Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}");
        try
        {
            var ours = await RunMailGrainsAsync(options, folder, source, cancellationToken);
            var peers = options.Peer ? await RunPeerAsync(options, folder, source, cancellationToken) : [];
            Print("\n" + ResultTable.Of([.. ours, .. peers]));
            if (options.Peer)
            {
                Print(ResultTable.Ratios(ours, peers));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<List<Measurement>> RunMailGrainsAsync(
        DeliveryOptions options, string folder, SmtpSource? source, CancellationToken cancellationToken)
    {
        await using var server = await MailGrainsServer.StartAsync(Path.Combine(folder, "mailgrains"), cancellationToken);
        Print($"\n## {server.Name}\n{server.Settings}");
        foreach (var (load, messages) in options.WarmUps)
        {
            await Measurement.TakeAsync(server, load, messages, source, cancellationToken);
        }

        return await RunRowsAsync(server, options, share: 1, source, cancellationToken);
    }

    private static async Task<List<Measurement>> RunPeerAsync(
        DeliveryOptions options, string folder, SmtpSource? source, CancellationToken cancellationToken)
    {
        await using var server = await PostfixDovecot.StartAsync(folder, cancellationToken);
        Print($"\n## {server.Name}\n```\n{server.Settings}```");
        return await RunRowsAsync(server, options, PeerShare, source, cancellationToken);
    }

    private static async Task<List<Measurement>> RunRowsAsync(
        IMailServer server, DeliveryOptions options, int share, SmtpSource? source, CancellationToken cancellationToken)
    {
        List<Measurement> rows = [];
        foreach (var load in options.Loads)
        {
            var row = await Measurement.TakeAsync(server, load, options.MessagesOf(load, share), source, cancellationToken);
            Print(string.Create(
                CultureInfo.InvariantCulture,
                $"{load.Bytes} bytes, {load.Mailboxes} mailboxes, {load.Sessions} sessions: {row.Throughput:F0}/s, {row.ProcessorPerMessage:F3} ms of CPU each"));
            rows.Add(row);
        }

        return rows;
    }

    private static string FileSystem(string folder) => DriveInfo.GetDrives()
        .Where(d => folder.StartsWith(d.Name, StringComparison.Ordinal))
        .MaxBy(d => d.Name.Length)?.DriveFormat ?? "unknown";

    private static void Print(string text) => Console.WriteLine(text);
}
