using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.EndToEnd.Tests.Relay;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azure;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>The service with an identity and nothing else: no key of an account, no secret in its settings, no data folder.</summary>
public sealed class IdentityTests
{
    private const string Tenant = "identity";
    private const string Password = "known by nobody else";
    private const string ApiKey = "an operator's key of the vault";
    private const int Messages = 16;

    private static readonly string[] Addresses = ["one@identity.test", "two@identity.test"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_an_identity_alone_mail_comes_in_and_goes_out_and_no_secret_is_to_be_read_anywhere()
    {
        using var data = new DataFolder();
        await using var cloud = await AzureCloud.StartAsync(Cancel);
        await using var next = new MailServer();
        AzuriteAccount[] accounts = [cloud.Storage.NewAccount(), cloud.Storage.NewAccount()];
        var none = Path.Combine(data.Path, "none");
        cloud.Vault.Set("MailGrains--Admin--ApiKey", ApiKey);
        cloud.Vault.Set("MailGrains--Relay--Routes--0--Domain", "there.test");
        cloud.Vault.Set("Another--Secret", "of somebody else");

        // Roles that have just been given: the vault says no, and so does the storage.
        cloud.Vault.Refuse(2);
        cloud.Identity.Late = ("https://storage.azure.com", TimeSpan.FromSeconds(5));
        var ledger = new Ledger(Addresses, Password);
        string certificate;
        await using (var first = await HostProcess.StartAsync(Options(none, cloud, accounts, next), Cancel))
        {
            await first.WaitForLineAsync(line => line.Contains("The vault is not ready", StringComparison.Ordinal), Cancel);
            await first.WaitForLineAsync(line => line.Contains("Storage is not ready", StringComparison.Ordinal), Cancel);
            Assert.Equal(2, cloud.Vault.Refused);
            using (var admin = first.NewAdminClient())
            {
                await admin.PutMailboxesAsync(Tenant, Addresses, Password, Cancel);
            }

            await SendAsync(first, ledger);
            await SendOutAsync(first, next);
            certificate = await CertificateAsync(first);

            // A second process opens what the first has sealed, and has the same certificate.
            await using var second = await HostProcess.StartAsync(Options(none, cloud, accounts, next), Cancel);
            await SendAsync(second, ledger);
            await ledger.VerifyAllAsync(first, Cancel);
            Assert.Equal(certificate, await CertificateAsync(second));
            Assert.Equal(0, await second.StopAsync());
            Assert.Equal(0, await first.StopAsync());
            Assert.All([first, second], AssertQuiet);
        }

        var former = cloud.Vault.Key.Newest;
        cloud.Vault.Key.Rotate();
        await RestartAsync();
        cloud.Vault.Key.Disable(former);
        await RestartAsync();
        Assert.False(Directory.Exists(none));

        await cloud.OpenStorageAsync(Cancel);
        var stores = await AzureStores.OpenAsync([.. accounts.Select(a => a.ConnectionString)], service: AzureSettings.Service);
        await StoreCheck.RunAsync(stores, Addresses.Length, Cancel);
        await AssertSealedAsync(stores, cloud.Vault.Key);

        async Task RestartAsync()
        {
            await using var host = await HostProcess.StartAsync(Options(none, cloud, accounts, next), Cancel);
            await ledger.VerifyAllAsync(host, Cancel);
            Assert.Equal(certificate, await CertificateAsync(host));
            Assert.Equal(0, await host.StopAsync());
        }
    }

    private static HostOptions Options(string folder, AzureCloud cloud, AzuriteAccount[] accounts, MailServer next) => new()
    {
        DataFolder = folder,
        Environment = cloud.Environment,
        ApiKey = ApiKey,
        Settings = new Dictionary<string, string>
        {
            ["MailGrains:Storage:Provider"] = "Azure",
            ["MailGrains:Storage:Accounts:0:BlobServiceUri"] = accounts[0].BlobServiceUri.ToString(),
            ["MailGrains:Storage:Accounts:0:TableServiceUri"] = accounts[0].TableServiceUri.ToString(),
            ["MailGrains:Storage:Accounts:1:BlobServiceUri"] = accounts[1].BlobServiceUri.ToString(),
            ["MailGrains:Storage:Accounts:1:TableServiceUri"] = accounts[1].TableServiceUri.ToString(),
            ["MailGrains:Cluster:ServiceId"] = AzureSettings.Service,
            ["MailGrains:Vault:Uri"] = KeyVaultServer.Uri.ToString(),
            ["MailGrains:HostName"] = "mx.identity.test",

            // The vault's has the last word.
            ["MailGrains:Admin:ApiKey"] = "another key than the vault's",
            ["MailGrains:Smtp:RelayNetworks:0"] = "127.0.0.0/8",
            ["MailGrains:Smtp:RelayTenant"] = Tenant,
            ["MailGrains:Relay:Routes:0:Host"] = "127.0.0.1",
            ["MailGrains:Relay:Routes:0:Port"] = next.Port.ToString(CultureInfo.InvariantCulture),
            ["MailGrains:Relay:AllowPrivateDestinations"] = "true",
        },
    };

    private static async Task SendAsync(HostProcess host, Ledger ledger)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, Cancel);
        for (var i = 0; i < Messages; i++)
        {
            var message = ledger.Next();
            Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: Cancel)).Code);
            ledger.Acknowledge(message);
        }
    }

    private static async Task SendOutAsync(HostProcess host, MailServer next)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, Cancel);
        Assert.Equal(250, (await session.SendAsync(new TestMessage(1_000, 2_000, ["bob@there.test"]), cancellationToken: Cancel)).Code);
        await Wait.UntilAsync(() => next.Taken.Any(mail => mail.To is ["bob@there.test"]), Cancel);
    }

    /// <summary>The thumbprint of the certificate that a client is shown.</summary>
    private static async Task<string> CertificateAsync(HostProcess host)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(host.Pop3s, Cancel);
        var thumbprint = "";
        await using var tls = new SslStream(client.GetStream(), leaveInnerStreamOpen: false, (_, certificate, _, errors) =>
        {
            thumbprint = certificate!.GetCertHashString();
            return !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch);
        });
        await tls.AuthenticateAsClientAsync("mx.identity.test");
        return thumbprint;
    }

    private static void AssertQuiet(HostProcess host)
    {
        Assert.DoesNotContain(ApiKey, host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("eyJ", host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Data folder", host.Output, StringComparison.Ordinal);
    }

    /// <summary>The SRS key and private keys, which the vault opens, are nowhere in the tables as they are.</summary>
    private static async Task AssertSealedAsync(StorageAccounts stores, RsaKey vault)
    {
        var seal = await SecretSeal.OpenAsync(stores, vault.Wrapping, Cancel);
        var srs = (await new SecretRows(stores, seal, SecretRows.Shared).FindAsync("srs", Cancel))!.Value;
        var tls = (await new SecretRows(stores, seal, "self-signed").FindAsync("mx.identity.test", Cancel))!.Value;
        Assert.NotEmpty(await new SecretRows(stores, seal, "data-protection").ListAsync(Cancel).ToListAsync(Cancel));
        string[] clear = [srs, "PRIVATE KEY", tls.Split('\n')[^3], "<masterKey", ApiKey];

        var rows = 0;
        for (var account = 0; account < stores.Count; account++)
        {
            foreach (var table in new[] { TableNames.Directory, TableNames.Mail, TableNames.Destinations, TableNames.Markers })
            {
                await foreach (var row in stores[account].Tables.ReadPartitionsAsync(table, KeyRange.All, Cancel))
                {
                    rows++;
                    var text = string.Concat(row.Properties.Select(p => p.Value.AsText + System.Text.Encoding.Latin1.GetString((p.Value.AsBytes ?? default).Span)));
                    Assert.All(clear, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
                }
            }
        }

        Assert.True(rows > Messages, $"There are {rows} rows.");
    }
}
