using System.Diagnostics;
using System.Globalization;
using MailGrains.Contracts.Queues;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Grains.Queues;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>Two hosts on one account; one is killed while it sends.</summary>
[Collection(Alone.Name)]
public sealed class FailoverTests(ITestOutputHelper output)
{
    private const int Domains = 12;
    private const int Messages = 240;
    private const int TakenBefore = 60;
    private const int MostAhead = 100;

    private static readonly TimeSpan GoesOnWithin = TimeSpan.FromSeconds(10);

    // Where the site's limits were kept by the one that was killed, the next keeper waits for its longest lease.
    private static readonly TimeSpan WithoutKeeper = GoesOnWithin + TimeSpan.FromSeconds(15);

    [Fact]
    public async Task The_queues_of_a_killed_host_go_on_elsewhere_within_seconds_and_only_marked_mail_comes_twice()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var open = new SemaphoreSlim(0);
        await using var server = new MailServer { Before = said => said == "." ? open.WaitAsync() : Task.CompletedTask };
        await using var dns = DnsServer.Start();
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        foreach (var number in Enumerable.Range(0, Domains + MostAhead))
        {
            dns.Add(Domain(number), DnsType.Mx, "10 mx.there.test");
        }

        using var folder = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(cancel);
        var account = azurite.NewAccount();
        await using var stays = await HostProcess.StartAsync(Options(folder, "stays", dns, server, account), cancel);
        using var admin = stays.NewAdminClient();
        await admin.PutTenantAsync("acme", cancel);

        // The limits of the site are kept on the host that stays: on the other they would wait until its leases are over.
        open.Release();
        await SendAsync(stays, 0, 1, Domain(0), cancel);
        await Wait.UntilAsync(() => server.Taken.Count == 1, cancel);
        await using var killed = await HostProcess.StartAsync(Options(folder, "killed", dns, server, account), cancel);
        using var other = killed.NewAdminClient();
        var ahead = await SendUntilSharedAsync(killed, admin, other, open, cancel);
        await Wait.UntilAsync(() => server.Taken.Count == 1 + ahead, cancel);
        var there = Domain(Domains + ahead - 1);
        open.Release(TakenBefore);
        await Task.WhenAll(SendAsync(stays, 1, Messages / 2, there, cancel), SendAsync(killed, Messages / 2, Messages, there, cancel));
        await Wait.UntilAsync(() => server.Taken.Count == 1 + ahead + TakenBefore, cancel);

        var keeperStays = (await HostMetrics.ReadAsync(admin, cancel)).Sum("orleans_grains", "grain_type=\"destination\"") > 0;
        await killed.KillAsync();
        var time = Stopwatch.StartNew();
        open.Release(10 * Messages);
        await Wait.UntilAsync(() => server.Taken.Any(IsMarked), cancel);
        var wentOn = time.Elapsed;
        await Wait.UntilAsync(() => server.Taken.Select(NumberOf).Distinct().Count() == Messages + ahead, cancel);
        if (wentOn > GoesOnWithin)
        {
            output.WriteLine(string.Join('\n', stays.Output.Split('\n').Where(line => !line.Contains("SmtpBackend", StringComparison.Ordinal))));
        }

        output.WriteLine($"The keeper of the site's limits stays: {keeperStays}. Goes on after {wentOn.TotalSeconds:0.0} s, all is there after {time.Elapsed.TotalSeconds:0.0} s; {server.Taken.Count(IsMarked)} marked.");
        Assert.InRange(wentOn, TimeSpan.Zero, keeperStays ? GoesOnWithin : WithoutKeeper);
        Assert.Equal(0, await stays.StopAsync());

        // Those that waited for their last reply when the host was killed came twice, at least.
        Assert.DoesNotContain(server.Taken.Where(mail => !IsMarked(mail)).GroupBy(NumberOf), same => same.Count() > 1);
        Assert.Contains(server.Taken.GroupBy(NumberOf), same => same.Count() > 1);
        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        foreach (var number in Enumerable.Range(0, Domains + ahead))
        {
            Assert.Empty(await QueueCheck.CheckAsync(accounts, new QueueId("acme", 0, Domain(number), 0), cancel));
        }
    }

    /// <summary>
    /// Sends to one domain after another until a queue is on the new host, that of the last one: it gets none before the others know what it has to do. How
    /// many it were, the first to number <see cref="Messages"/> and domain <see cref="Domains"/>.
    /// </summary>
    private static async Task<int> SendUntilSharedAsync(
        HostProcess host, AdminClient admin, AdminClient other, SemaphoreSlim open, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        var (sent, there) = (0, 0L);
        while (there == 0)
        {
            Assert.True(sent < MostAhead, "No queue came to be on the new host.");
            open.Release();
            await SendAsync(session, Messages + sent, Domain(Domains + sent), cancellationToken);
            sent++;
            await Wait.UntilAsync(
                async () => await QueuedAsync(admin, cancellationToken) + (there = await QueuedAsync(other, cancellationToken)) == 1 + sent, cancellationToken);
        }

        return sent;
    }

    /// <summary>The messages that queues of a host have taken.</summary>
    private static async Task<long> QueuedAsync(AdminClient admin, CancellationToken cancellationToken) =>
        (await HostMetrics.ReadAsync(admin, cancellationToken)).Sum("mailgrains_queue_messages_total", "status=\"Queued\"");

    private static string Domain(int number) => string.Create(CultureInfo.InvariantCulture, $"d{number}.test");

    /// <param name="there">Has every other message, more than are taken before the host is killed.</param>
    private static async Task SendAsync(HostProcess host, int from, int to, string there, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var number = from; number < to; number++)
        {
            await SendAsync(session, number, number % 2 == 1 ? there : Domain(number / 2 % Domains), cancellationToken);
        }
    }

    private static async Task SendAsync(SmtpSession session, int number, string domain, CancellationToken cancellationToken)
    {
        var reply = await session.SendAsync(new TestMessage(number, 1_000, [$"bob@{domain}"]), cancellationToken: cancellationToken);
        Assert.True(reply.Code == 250, reply.Text);
    }

    private static bool IsMarked(TakenMail mail) => mail.Content.Contains("X-MailGrains-Repeat: ", StringComparison.Ordinal);

    private static int NumberOf(TakenMail mail) => TestMessage.Find(System.Text.Encoding.Latin1.GetBytes(mail.Content)).Number;

    private static HostOptions Options(DataFolder folder, string name, DnsServer dns, MailServer server, AzuriteAccount account)
    {
        var options = RelayTests.Options(folder, dns, server.Port, AzureSettings.Of(account));
        return new HostOptions { DataFolder = Path.Combine(folder.Path, name), Settings = options.Settings };
    }
}
