using MailGrains.Contracts.Mailboxes;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Storage;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>A service gets more room: one storage account more in its settings, and a new start.</summary>
public sealed class GrowingTests(ITestOutputHelper output)
{
    private const string Tenant = "growing";
    private const string Password = "room for one more";
    private const int MessagesEach = 8;

    private static readonly string[] OldAddresses = [.. Enumerable.Range(0, 16).Select(i => $"old{i}@growing.test")];
    private static readonly string[] NewAddresses = [.. Enumerable.Range(0, 16).Select(i => $"new{i}@growing.test")];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_accounts_grow_to_three_and_every_old_mailbox_stays_where_it_was_with_its_mail()
    {
        using var data = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(Cancel);
        AzuriteAccount[] accounts = [.. Enumerable.Range(0, 3).Select(_ => azurite.NewAccount())];
        var (old, added) = (new Ledger(OldAddresses, Password), new Ledger(NewAddresses, Password));

        await using (var host = await HostProcess.StartAsync(Options(data, accounts[..2]), Cancel))
        {
            await FillAsync(host, OldAddresses, old);
            await old.VerifyAllAsync(host, Cancel);
            Assert.Equal(0, await host.StopAsync());
        }

        var two = await OpenAsync(accounts[..2]);
        var (oldMailboxes, oldKeys) = (await StoreCheck.MailboxesAsync(two, Cancel), await KeysAsync(two));
        Assert.Equal([0, 1], AccountsOf(oldMailboxes));

        await using (var host = await HostProcess.StartAsync(Options(data, accounts), Cancel))
        {
            await old.VerifyAllAsync(host, Cancel);
            var three = await OpenAsync(accounts);
            Assert.Equal(oldMailboxes, await StoreCheck.MailboxesAsync(three, Cancel));
            Assert.Empty(oldKeys.Except(await KeysAsync(three)));

            await FillAsync(host, NewAddresses, added);
            await SendAsync(host, old);
            await old.VerifyAllAsync(host, Cancel);
            await added.VerifyAllAsync(host, Cancel);
            Assert.Equal(0, await host.StopAsync());
        }

        var grown = await OpenAsync(accounts);
        var mailboxes = await StoreCheck.MailboxesAsync(grown, Cancel);
        Assert.Superset(oldMailboxes, mailboxes);
        Assert.Equal([0, 1, 2], AccountsOf(mailboxes.Except(oldMailboxes)));
        await StoreCheck.RunAsync(grown, OldAddresses.Length + NewAddresses.Length, Cancel);
        output.WriteLine($"{oldKeys.Count} rows and blobs of {oldMailboxes.Count} mailboxes stayed; mailboxes by account: " +
            string.Join(", ", mailboxes.CountBy(m => m.Account).OrderBy(c => c.Key).Select(c => c.Value)));
    }

    private static async Task FillAsync(HostProcess host, string[] addresses, Ledger ledger)
    {
        using (var admin = host.NewAdminClient())
        {
            await admin.PutMailboxesAsync(Tenant, addresses, Password, Cancel);
        }

        await SendAsync(host, ledger);
    }

    private static async Task SendAsync(HostProcess host, Ledger ledger)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, Cancel);
        for (var i = 0; i < MessagesEach * OldAddresses.Length; i++)
        {
            var message = ledger.Next();
            Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: Cancel)).Code);
            ledger.Acknowledge(message);
        }
    }

    /// <summary>Where each row of mail and each blob lies. Contents may change, such as when a journal is written on.</summary>
    private static async Task<HashSet<(int Account, string Where)>> KeysAsync(StorageAccounts accounts)
    {
        var keys = new HashSet<(int, string)>();
        for (var number = 0; number < accounts.Count; number++)
        {
            await foreach (var row in accounts[number].Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.All, Cancel))
            {
                keys.Add((number, $"{row.Partition} {row.Row}"));
            }

            await foreach (var blob in accounts[number].Blobs.ListAsync("", Cancel))
            {
                keys.Add((number, blob.Name));
            }
        }

        return keys;
    }

    private static IEnumerable<int> AccountsOf(IEnumerable<MailboxId> mailboxes) => mailboxes.Select(m => m.Account).Distinct().Order();

    private static Task<StorageAccounts> OpenAsync(AzuriteAccount[] accounts) =>
        AzureStores.OpenAsync([.. accounts.Select(a => a.ConnectionString)], service: AzureSettings.Service);

    private static HostOptions Options(DataFolder data, AzuriteAccount[] accounts)
    {
        var settings = AzureSettings.Of(accounts[0]);
        for (var i = 1; i < accounts.Length; i++)
        {
            settings[$"MailGrains:Storage:Accounts:{i}:ConnectionString"] = accounts[i].ConnectionString;
        }

        return new HostOptions { DataFolder = data.Path, Settings = settings };
    }
}
