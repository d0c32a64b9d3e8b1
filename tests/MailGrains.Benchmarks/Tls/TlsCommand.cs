using System.Diagnostics;
using System.Globalization;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Benchmarks.Peer;
using MailGrains.Benchmarks.Scale;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Tls;

/// <summary>
/// STARTTLS on a fresh connection and one message: how many a second, beside Postfix with the same key and the same client. The servers take
/// turns, since the machine's speed changes.
/// </summary>
internal static class TlsCommand
{
    private const int Rounds = 3;

    public static async Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 4_000), ("--sessions", 20));
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"mailgrains-tls-{Environment.ProcessId}")).FullName;
        try
        {
            var certificate = new ServerCertificate(folder, "mail.bench.test");
            await using var ours = await MailGrainsServer.StartAsync(Path.Combine(folder, "mailgrains"), cancellationToken, certificate.Settings);
            await using var peer = await PostfixDovecot.StartAsync(folder, cancellationToken, certificate);
            foreach (var server in (IMailServer[])[ours, peer])
            {
                await RunAsync(server, certificate, options["--messages"] / 4, options["--sessions"], -1, cancellationToken);
            }

            Console.WriteLine("| server | round | messages | messages/s | CPU ms of the server a message |");
            Console.WriteLine("|---|---:|---:|---:|---:|");
            for (var round = 1; round <= Rounds; round++)
            {
                foreach (var server in (IMailServer[])[ours, peer])
                {
                    var (seconds, processor) = await RunAsync(server, certificate, options["--messages"], options["--sessions"], round, cancellationToken);
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"| {server.Name} | {round} | {options["--messages"]} | {options["--messages"] / seconds:F0} | {processor.TotalMilliseconds / options["--messages"]:F3} |"));
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<(double Seconds, TimeSpan Processor)> RunAsync(
        IMailServer server, ServerCertificate certificate, int messages, int sessions, int round, CancellationToken cancellationToken)
    {
        var load = new Load(round + 10, sessions, 4_096, 4);
        await server.AddMailboxesAsync(load.Addresses, cancellationToken);
        var client = new TlsClient(server.Smtp, certificate.Thumbprint, load.Addresses);
        var processor = server.ProcessorTime;
        var clock = Stopwatch.StartNew();
        await client.RunAsync(messages, sessions, cancellationToken);
        var seconds = clock.Elapsed.TotalSeconds;

        // What it still has to do is its own work, but not in the rate: Postfix answers before it delivers.
        await server.AllDeliveredAsync(cancellationToken);
        return (seconds, server.ProcessorTime - processor);
    }
}
