using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>What a delivered message costs on Azure, where every request is billed.</summary>
public sealed class TransactionCostTests(ITestOutputHelper output)
{
    private const string Tenant = "cost";
    private const string Password = "a penny a thousand";
    private const int WarmUp = 10;
    private const int Messages = 25;
    private const int SmallBytes = 4_000;

    // The silo's own writes, one each half minute, can only add to what is counted: the least of some rounds is the messages' share.
    private const int Rounds = 4;

    private static readonly string[] Addresses = ["box@cost.test"];

    [Fact]
    public async Task A_small_message_to_one_mailbox_is_one_table_transaction_and_no_other_request()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(cancellationToken);
        await using var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = data.Path, Settings = AzureSettings.Of(azurite.NewAccount()) }, cancellationToken);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync(Tenant, Addresses, Password, cancellationToken);
        var ledger = new Ledger(Addresses, Password);
        await SendAsync(host, ledger, WarmUp, cancellationToken);

        var rounds = new List<Cost>();
        for (var round = 0; round < Rounds; round++)
        {
            var before = await ReadAsync(host, admin, cancellationToken);
            await SendAsync(host, ledger, Messages, cancellationToken);
            var after = await ReadAsync(host, admin, cancellationToken);
            rounds.Add(new Cost(after.Commits - before.Commits, after.TableRequests - before.TableRequests, after.BlobRequests - before.BlobRequests));
        }

        output.WriteLine($"{Messages} messages: {string.Join(", ", rounds)}");
        Assert.Equal(Messages, rounds.Min(r => r.Commits));
        Assert.Equal(Messages, rounds.Min(r => r.TableRequests));
        Assert.Equal(0, rounds.Min(r => r.BlobRequests));
        await ledger.VerifyAllAsync(host, cancellationToken);
    }

    private static async Task SendAsync(HostProcess host, Ledger ledger, int messages, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        for (var i = 0; i < messages; i++)
        {
            var message = ledger.Next(SmallBytes, Addresses);
            Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: cancellationToken)).Code);
            ledger.Acknowledge(message);
        }
    }

    /// <summary>Reads until the answer does not know of earlier sessions any more, then until it knows of one opened after that: it is no old one.</summary>
    private static async Task<Cost> ReadAsync(HostProcess host, AdminClient admin, CancellationToken cancellationToken)
    {
        await UntilSessionsAsync(admin, 0, cancellationToken);
        using var mark = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        var metrics = await UntilSessionsAsync(admin, 1, cancellationToken);
        return new Cost(
            metrics.Sum("mailgrains_storage_commits_total"),
            metrics.Sum("mailgrains_storage_requests_total", "service=\"table\""),
            metrics.Sum("mailgrains_storage_requests_total", "service=\"blob\""));
    }

    private static async Task<HostMetrics> UntilSessionsAsync(AdminClient admin, int sessions, CancellationToken cancellationToken)
    {
        while (true)
        {
            var metrics = await HostMetrics.ReadAsync(admin, cancellationToken);
            if (metrics.Sum("mailgrains_gateway_sessions", "protocol=\"smtp\"") == sessions)
            {
                return metrics;
            }
        }
    }

    private sealed record Cost(long Commits, long TableRequests, long BlobRequests);
}
