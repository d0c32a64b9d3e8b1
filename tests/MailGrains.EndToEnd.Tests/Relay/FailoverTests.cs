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
public sealed class FailoverTests(ITestOutputHelper output)
{
    private const int Domains = 12;
    private const int Messages = 240;
    private const int TakenBefore = 60;

    private static readonly TimeSpan GoesOnWithin = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task The_queues_of_a_killed_host_go_on_elsewhere_within_seconds_and_only_marked_mail_comes_twice()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var open = new SemaphoreSlim(TakenBefore);
        await using var server = new MailServer { Before = said => said == "." ? open.WaitAsync() : Task.CompletedTask };
        await using var dns = DnsServer.Start();
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        foreach (var number in Enumerable.Range(0, Domains))
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
        await SendAsync(stays, 0, 1, cancel);
        await Wait.UntilAsync(() => server.Taken.Count == 1, cancel);
        await using var killed = await HostProcess.StartAsync(Options(folder, "killed", dns, server, account), cancel);
        await Task.WhenAll(SendAsync(stays, 1, Messages / 2, cancel), SendAsync(killed, Messages / 2, Messages, cancel));
        await Wait.UntilAsync(() => server.Taken.Count == TakenBefore, cancel);

        await killed.KillAsync();
        var time = Stopwatch.StartNew();
        open.Release(10 * Messages);
        await Wait.UntilAsync(() => server.Taken.Any(IsMarked), cancel);
        var wentOn = time.Elapsed;
        await Wait.UntilAsync(() => server.Taken.Select(NumberOf).Distinct().Count() == Messages, cancel);
        output.WriteLine($"Goes on after {wentOn.TotalSeconds:0.0} s, all is there after {time.Elapsed.TotalSeconds:0.0} s; {server.Taken.Count(IsMarked)} marked.");
        Assert.InRange(wentOn, TimeSpan.Zero, GoesOnWithin);
        Assert.Equal(0, await stays.StopAsync());

        // Those that waited for their last reply when the host was killed came twice, at least.
        Assert.DoesNotContain(server.Taken.Where(mail => !IsMarked(mail)).GroupBy(NumberOf), same => same.Count() > 1);
        Assert.Contains(server.Taken.GroupBy(NumberOf), same => same.Count() > 1);
        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        foreach (var number in Enumerable.Range(0, Domains))
        {
            Assert.Empty(await QueueCheck.CheckAsync(accounts, new QueueId("acme", 0, Domain(number), 0), cancel));
        }
    }

    private static string Domain(int number) => string.Create(CultureInfo.InvariantCulture, $"d{number}.test");

    private static async Task SendAsync(HostProcess host, int from, int to, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var number = from; number < to; number++)
        {
            var message = new TestMessage(number, 1_000, [$"bob@{Domain(number % Domains)}"]);
            var reply = await session.SendAsync(message, cancellationToken: cancellationToken);
            Assert.True(reply.Code == 250, reply.Text);
        }
    }

    private static bool IsMarked(TakenMail mail) => mail.Content.Contains("X-MailGrains-Repeat: ", StringComparison.Ordinal);

    private static int NumberOf(TakenMail mail) => TestMessage.Find(System.Text.Encoding.Latin1.GetBytes(mail.Content)).Number;

    private static HostOptions Options(DataFolder folder, string name, DnsServer dns, MailServer server, AzuriteAccount account)
    {
        var options = RelayTests.Options(folder, dns, server.Port, AzureSettings.Of(account));
        return new HostOptions { DataFolder = Path.Combine(folder.Path, name), Settings = options.Settings };
    }
}
