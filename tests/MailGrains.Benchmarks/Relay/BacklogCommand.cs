using System.Diagnostics;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Benchmarks.Scale;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;
using Microsoft.Data.Sqlite;

namespace MailGrains.Benchmarks.Relay;

/// <summary>
/// Very many messages for very many domains, none of which answers: what they cost in memory, that none is lost when the host is killed, what a queue costs that
/// nobody needs for now, and that all arrive once the servers are there.
/// </summary>
internal static class BacklogCommand
{
    private const int BodyBytes = 512;
    private const int WarmUp = 2_000;
    private const double Mebibyte = 1024 * 1024;

    private static readonly TimeSpan PollPeriod = TimeSpan.FromSeconds(1);

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--messages", 1_000_000), ("--domains", 10_000), ("--sessions", 40), ("--minutes", 30));
        return options.InFolderAsync(folder => MeasureAsync(folder, options, cancellationToken));
    }

    private static async Task MeasureAsync(string folder, ScaleOptions options, CancellationToken cancellationToken)
    {
        var (messages, domains, limit) = (options["--messages"], options["--domains"], TimeSpan.FromMinutes(options["--minutes"]));
        var ledger = new MessageLedger(messages, domains);
        var port = FreePort.Choose();
        await using var dns = DnsServer.Start();
        var settings = RelayHost.MailExchanges(dns, domains, port);
        settings["MailGrains:Queues:RetryAfter:0"] = "01:00:00";
        settings = RelayHost.Settings(settings);

        await using (var host = await MailGrainsServer.StartAsync(folder, cancellationToken, settings))
        {
            await host.AddMailboxesAsync([RelayHost.Sender], cancellationToken);
            var sender = new BulkSender(ledger, host.Smtp, RelayHost.Sender, BodyBytes);
            await sender.SendAsync(WarmUp, options["--sessions"], cancellationToken);
            var before = await MemoryAsync(host, cancellationToken);
            var clock = Stopwatch.StartNew();
            await sender.SendAsync(messages, options["--sessions"], cancellationToken);
            ScaleOptions.Print($"{messages} messages to {domains} domains taken at {(messages - WarmUp) / clock.Elapsed.TotalSeconds:F0}/s");
            await PrintAsync("all of them queued", host, before, messages - WarmUp, cancellationToken);
            await host.KillAsync();
        }

        await using (var host = await MailGrainsServer.StartAsync(folder, cancellationToken, settings))
        {
            var clock = Stopwatch.StartNew();
            while (await ActivationsAsync(host, cancellationToken) > 0 || clock.Elapsed < TimeSpan.FromMinutes(1))
            {
                if (clock.Elapsed > limit)
                {
                    break;
                }

                await Task.Delay(PollPeriod, cancellationToken);
            }

            ScaleOptions.Print($"{clock.Elapsed.TotalMinutes:F1} minutes after a SIGKILL and a restart: {await ActivationsAsync(host, cancellationToken)} queues in memory, {Reminders(folder)} reminders");
            await using var world = new WorldServer(ledger, WorldMix.Kind, port);
            clock.Restart();
            var order = host.RetryQueuesAsync(cancellationToken);
            while (ledger.Arrived < messages && clock.Elapsed < limit && !order.IsFaulted)
            {
                await Task.Delay(PollPeriod, cancellationToken);
            }

            ScaleOptions.Print($"the servers are up: {ledger.Arrived} messages arrived in {clock.Elapsed.TotalSeconds:F0} s, {ledger.Arrived / clock.Elapsed.TotalSeconds:F0}/s; acknowledged and not arrived {ledger.Lost}, doubled without a mark {ledger.Doubled}, copies that said so {ledger.Copies}");
            await order;
        }

        if (ledger is not { Lost: 0, Doubled: 0 } || ledger.Acknowledged != messages)
        {
            throw new InvalidOperationException($"{ledger.Acknowledged} messages were acknowledged; some have not arrived in time, or came twice.");
        }
    }

    private static async Task PrintAsync(string when, MailGrainsServer host, (long Working, long Heap) before, int messages, CancellationToken cancellationToken)
    {
        var (working, heap) = await MemoryAsync(host, cancellationToken);
        ScaleOptions.Print(
            $"{when}: {await ActivationsAsync(host, cancellationToken)} queues in memory; working set {before.Working / Mebibyte:F0} → {working / Mebibyte:F0} MiB, {(working - before.Working) / messages} octets a message; after the last collection {before.Heap / Mebibyte:F0} → {heap / Mebibyte:F0} MiB, {(heap - before.Heap) / messages} a message");
    }

    private static async Task<(long Working, long Heap)> MemoryAsync(MailGrainsServer host, CancellationToken cancellationToken) =>
        (host.WorkingSet, await host.SumAsync("dotnet_gc_last_collection_heap_size_bytes", "", cancellationToken));

    private static Task<long> ActivationsAsync(MailGrainsServer host, CancellationToken cancellationToken) =>
        host.SumAsync("orleans_catalog_activations", "grain_type=\"domainqueue\"", cancellationToken);

    private static long Reminders(string folder)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Directory.EnumerateFiles(folder, "*.db", SearchOption.AllDirectories).Single(),
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM rows JOIN tables ON tables.id = rows.tbl WHERE tables.name = 'OrleansReminders'";
        return (long)command.ExecuteScalar()!;
    }
}
