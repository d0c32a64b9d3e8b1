using System.Net;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>Two processes with a role each are one service: one speaks to clients, the other keeps the state.</summary>
public sealed class RolesTests
{
    private const string Tenant = "roles";
    private const string Password = "each to its own";
    private const int Messages = 40;

    private static readonly string[] Addresses = ["one@roles.test", "two@roles.test"];

    // Of the grains that keep state.
    private static readonly string[] StatefulTypes = ["tenant", "domain", "address", "account", "mailbox", "upkeep"];

    [Fact]
    public async Task A_gateway_and_a_keeper_of_grains_deliver_together_on_Azure()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(cancellationToken);
        var account = azurite.NewAccount();
        await DeliverAsync(data, AzureSettings.Of(account), cancellationToken);

        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        await StoreCheck.RunAsync(accounts, Addresses.Length, cancellationToken);
    }

    [Fact]
    public async Task A_gateway_and_a_keeper_of_grains_deliver_together_on_one_shared_folder()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        await DeliverAsync(data, new() { ["MailGrains:Storage:Shared"] = "true" }, cancellationToken);

        await using var store = SqliteStore.Open(new SqliteStoreOptions { Path = data.Path });
        await StoreCheck.RunAsync(store.Accounts, Addresses.Length, cancellationToken);
    }

    private static async Task DeliverAsync(DataFolder data, Dictionary<string, string> store, CancellationToken cancellationToken)
    {
        await using var keeper = await HostProcess.StartAsync(Options(data, store, "grains", "web"), cancellationToken);
        await using var gateway = await HostProcess.StartAsync(Options(data, store, "gateway"), cancellationToken);
        using (var admin = keeper.NewAdminClient())
        {
            await admin.PutMailboxesAsync(Tenant, Addresses, Password, cancellationToken);
        }

        var ledger = new Ledger(Addresses, Password);
        using (var session = await SmtpSession.OpenAsync(gateway.Smtp, cancellationToken))
        {
            for (var i = 0; i < Messages; i++)
            {
                var message = ledger.Next();
                Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: cancellationToken)).Code);
                ledger.Acknowledge(message);
            }
        }

        await ledger.VerifyAllAsync(gateway, cancellationToken);
        foreach (var host in new[] { keeper, gateway })
        {
            using var client = new HttpClient();
            using var ready = await client.GetAsync(new Uri($"http://{host.Http}/health/ready"), cancellationToken);
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        }

        Assert.Superset(new HashSet<string>(["address", "account", "mailbox"]), await GrainTypesAsync(keeper, cancellationToken));
        Assert.Empty(StatefulTypes.Intersect(await GrainTypesAsync(gateway, cancellationToken)));
        Assert.Equal(0, await gateway.StopAsync());
        Assert.Equal(0, await keeper.StopAsync());
    }

    private static async Task<HashSet<string>> GrainTypesAsync(HostProcess host, CancellationToken cancellationToken)
    {
        using var admin = host.NewAdminClient();
        var metrics = await HostMetrics.ReadAsync(admin, cancellationToken);
        return [.. metrics.LabelsOf("orleans_grains", "grain_type")];
    }

    private static HostOptions Options(DataFolder data, Dictionary<string, string> store, params string[] roles)
    {
        var settings = new Dictionary<string, string>(store);
        for (var i = 0; i < roles.Length; i++)
        {
            settings[$"MailGrains:Roles:{i}"] = roles[i];
        }

        return new HostOptions { DataFolder = data.Path, Settings = settings };
    }
}
