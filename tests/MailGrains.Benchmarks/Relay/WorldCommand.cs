using System.Diagnostics;
using System.Globalization;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Benchmarks.Scale;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Smtp;

namespace MailGrains.Benchmarks.Relay;

/// <summary>Servers that defer, refuse, are slow and drop connections: each message arrives or is returned, and comes twice only where it says so.</summary>
internal static class WorldCommand
{
    private const int BodyBytes = 4_096;

    private static readonly TimeSpan PollPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 50_000), ("--domains", 20), ("--sessions", 20));
        return options.InFolderAsync(folder => MeasureAsync(folder, options, cancellationToken));
    }

    private static async Task MeasureAsync(string folder, ScaleOptions options, CancellationToken cancellationToken)
    {
        var messages = options["--messages"];
        var ledger = new MessageLedger(messages, options["--domains"]);
        await using var world = new WorldServer(ledger, WorldMix.World);
        await using var dns = DnsServer.Start();
        var settings = RelayHost.MailExchanges(dns, options["--domains"], world.Port);
        foreach (var (step, seconds) in new[] { 2, 4, 8 }.Index())
        {
            settings[$"MailGrains:Queues:RetryAfter:{step}"] = TimeSpan.FromSeconds(seconds).ToString("c", CultureInfo.InvariantCulture);
        }

        settings["MailGrains:Relay:Limits:FirstBackOff"] = "00:00:01";
        settings["MailGrains:Relay:Limits:MaxBackOff"] = "00:00:05";
        await using var host = await MailGrainsServer.StartAsync(folder, cancellationToken, RelayHost.Settings(settings));
        await host.AddMailboxesAsync([RelayHost.Sender], cancellationToken);

        var clock = Stopwatch.StartNew();
        await new BulkSender(ledger, host.Smtp, RelayHost.Sender, BodyBytes).SendAsync(messages, options["--sessions"], cancellationToken);
        var taken = clock.Elapsed;
        await UntilAsync(() => Task.FromResult(ledger.Settled == messages), clock, cancellationToken);
        var settled = clock.Elapsed;
        ScaleOptions.Print($"{messages} messages to {options["--domains"]} domains, taken at {messages / taken.TotalSeconds:F0}/s, settled at {messages / settled.TotalSeconds:F0}/s");
        ScaleOptions.Print($"acknowledged {ledger.Acknowledged}, arrived {ledger.Arrived}, refused for good {ledger.Refused}");
        ScaleOptions.Print($"neither arrived nor refused {ledger.Lost}, doubled without a mark {ledger.Doubled}, copies that said so {ledger.Copies}");

        // A sender hears of each that was refused for good.
        await UntilAsync(async () => await host.CountAsync([RelayHost.Sender], cancellationToken) >= ledger.Refused, clock, cancellationToken);
        ScaleOptions.Print($"reports that came back: {await host.CountAsync([RelayHost.Sender], cancellationToken)}");
        if (ledger is not { Lost: 0, Doubled: 0 } || ledger.Acknowledged != messages)
        {
            throw new InvalidOperationException("A message was lost or doubled.");
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo, Stopwatch clock, CancellationToken cancellationToken)
    {
        while (!await isSo())
        {
            if (clock.Elapsed > Limit)
            {
                Console.WriteLine($"It has not come to be within {Limit}.");
                return;
            }

            await Task.Delay(PollPeriod, cancellationToken);
        }
    }
}
