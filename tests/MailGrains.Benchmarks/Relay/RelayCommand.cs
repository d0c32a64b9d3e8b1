using System.Globalization;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Benchmarks.Peer;
using MailGrains.Benchmarks.Scale;

namespace MailGrains.Benchmarks.Relay;

/// <summary>Mail comes in by SMTP and goes on to Postfix's smtp-sink: how fast and at what cost, beside Postfix with the same sink, in turns.</summary>
internal static class RelayCommand
{
    // The peer takes about a fifth in the same time.
    private const int PeerShare = 5;
    private const int BodyBytes = 4_096;
    private const int Addresses = 4;

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 20_000), ("--sessions", 40), ("--rounds", 5), ("--warm-up", 30_000));
        return options.InFolderAsync(folder => MeasureAsync(folder, options, cancellationToken));
    }

    private static async Task MeasureAsync(string folder, ScaleOptions options, CancellationToken cancellationToken)
    {
        var source = new SmtpSource(PeerProgram.Find("smtp-source"));
        await using var sink = SmtpSink.Start();
        var port = sink.EndPoint.Port.ToString(CultureInfo.InvariantCulture);

        // Postfix's users must pass through.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        await using var postfix = await PostfixServer.StartAsync(
            new PostfixConfiguration(Path.Combine(folder, "postfix"), $"relayhost = [127.0.0.1]:{port}"), cancellationToken);
        await using var host = await MailGrainsServer.StartAsync(Path.Combine(folder, "mailgrains"), cancellationToken, RelayHost.Settings(RelayHost.RouteTo(port)));
        await host.AddMailboxesAsync([RelayHost.Sender], cancellationToken);
        var ours = new Relayer(host.Name, host.Smtp, () => host.ProcessorTime, host.CommittedAsync);
        var peer = new Relayer("Postfix", postfix.Smtp, () => postfix.ProcessorTime, _ => Task.FromResult<long?>(null));

        var load = new Load(0, options["--sessions"], BodyBytes, Addresses);
        await RelayRound.RunAsync(ours, source, sink, load, load.Even(options["--warm-up"]), cancellationToken);
        await RelayRound.RunAsync(peer, source, sink, load, load.Even(options["--messages"] / PeerShare / 4), cancellationToken);
        Console.WriteLine("| round | server | messages | messages/s | taken/s | CPU ms a message | with generator and sink | commits a message | times the peer's messages/s | peer's CPU over ours | with generator and sink |");
        Console.WriteLine("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        for (var number = 1; number <= options["--rounds"]; number++)
        {
            var first = await RelayRound.RunAsync(ours, source, sink, load with { Row = number }, load.Even(options["--messages"]), cancellationToken);
            var second = await RelayRound.RunAsync(
                peer, source, sink, load with { Row = number }, load.Even(options["--messages"] / PeerShare), cancellationToken);
            Print(number, first, string.Create(
                CultureInfo.InvariantCulture,
                $"{(double)first.Committed!.Value / first.Messages:F3} | **{first.Throughput / second.Throughput:F1}** | **{second.OwnPerMessage / first.OwnPerMessage:F1}** | {second.AllPerMessage / first.AllPerMessage:F1} |"));
            Print(number, second, "| | | |");
        }

        Console.WriteLine($"```\n{postfix.Settings}```");
    }

    private static void Print(int number, RelayRound round, string rest) => ScaleOptions.Print(
        $"| {number} | {round.Server} | {round.Messages} | {round.Throughput:F0} | {round.Messages / round.Taken.TotalSeconds:F0} | {round.OwnPerMessage:F3} | {round.AllPerMessage:F3} | {rest}");
}
