using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using MailGrains.Testing.Daemons;
using MailGrains.Testing.Hosts;
using MailKit.Net.Pop3;
using MailKit.Security;

namespace MailGrains.EndToEnd.Tests.Certificates;

/// <summary>Hosts that get their certificates from Pebble.</summary>
public sealed class AcmeTests : IDisposable
{
    private const string HostName = "mx.service.test";
    private const string Domain = "customer.test";
    private const string Mailbox = "one@" + Domain;
    private const string Password = "a long password";

    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(200);

    private readonly DataFolder _data = new();
    private readonly int _httpPort = FreePort.Choose();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Two_hosts_take_new_certificates_while_connections_go_on_and_one_answers_for_the_other()
    {
        await using var pebble = await PebbleServer.StartAsync(_httpPort, isDown: true);
        await using var one = await StartAsync(pebble, new() { ["MailGrains:Storage:Shared"] = "true" });
        await using var other = await StartAsync(pebble, new()
        {
            ["MailGrains:Storage:Shared"] = "true",
            ["MailGrains:Roles:0"] = "gateway",
            ["MailGrains:Endpoints:Http"] = $"127.0.0.1:{_httpPort}",
        });
        using var api = Api(one);
        using var admin = one.NewAdminClient();
        await admin.PutMailboxesAsync("customer", [Mailbox], Password, Stop);

        // As long as no authority answers: self-signed, and the reason is shown.
        using var submission = await TlsConnection.StartTlsAsync(one.Submission, HostName, Stop);
        using var pop3 = await TlsConnection.OpenAsync(other.Pop3s, HostName, Stop);
        Assert.StartsWith("+OK", await pop3.ReadLineAsync(Stop), StringComparison.Ordinal);
        Assert.Equal(submission.Certificate.Subject, submission.Certificate.Issuer);
        Assert.Equal(submission.Thumbprint, pop3.Thumbprint);
        await UntilAsync(async () => (await StateAsync(api, HostName)) is { LastError: not null, NotAfter: null }, one, other);

        await pebble.StartAuthorityAsync();
        using var root = await pebble.RootAsync(Stop);
        await RenewAsync(api, HostName);

        // The tenant's domain came after the first look at all of them.
        await RenewAsync(api, name: null);
        var issued = "";
        foreach (var host in new[] { one, other })
        {
            await UntilAsync(async () =>
            {
                using var connection = await TlsConnection.StartTlsAsync(host.Submission, HostName, Stop);
                issued = connection.Thumbprint;
                return connection.LeadsTo(root);
            }, one, other);
            Assert.Equal(issued, await ThumbprintAsync(host.Pop3s, HostName));
            Assert.Equal(issued, await ThumbprintAsync(host.Https, HostName));
        }

        await UntilAsync(async () => await IsForAsync(one.Pop3s, "mail." + Domain) && await IsForAsync(other.Pop3s, "mta-sts." + Domain), one, other);
        Assert.Equal(issued, await ThumbprintAsync(other.Pop3s, "unknown.test"));

        // Whoever was connected still is, and hashes what it was shown.
        Assert.StartsWith("250", await submission.AskAsync("NOOP", Stop), StringComparison.Ordinal);
        Assert.StartsWith("-ERR", await pop3.AskAsync("STAT", Stop), StringComparison.Ordinal);
        await LogInWithBindingAsync(other.Pop3s, "mail." + Domain);

        await RenewAsync(api, HostName);
        await UntilAsync(async () => await ThumbprintAsync(other.Submissions, HostName) != issued, one, other);
        var state = await StateAsync(api, HostName);
        Assert.True(state is { LastError: null, NotAfter: not null } && state.NextOrder < state.NotAfter);
        Assert.Contains("mailgrains_acme_orders_total", await admin.GetAsync("metrics", Stop) + await OtherMetricsAsync(other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_killed_midway_leaves_nothing_that_blocks_and_an_authority_that_goes_leaves_what_there_is()
    {
        await using var pebble = await PebbleServer.StartAsync(_httpPort);
        var options = Options(pebble, new() { ["MailGrains:Endpoints:Http"] = $"127.0.0.1:{_httpPort}" });
        await using (var killed = await HostProcess.StartAsync(options, Stop))
        {
            await killed.WaitForLineAsync(line => line.Contains("is being ordered", StringComparison.Ordinal), Stop);
            await killed.KillAsync();
        }

        await using var host = await HostProcess.StartAsync(options, Stop);
        using var api = Api(host);
        await RenewAsync(api, HostName);
        using var root = await pebble.RootAsync(Stop);
        var issued = "";
        await UntilAsync(async () =>
        {
            using var connection = await TlsConnection.OpenAsync(host.Pop3s, HostName, Stop);
            issued = connection.Thumbprint;
            return connection.LeadsTo(root);
        }, host);

        await pebble.StopAuthorityAsync();
        await RenewAsync(api, HostName);
        await UntilAsync(async () => await StateAsync(api, HostName) is { LastError: not null, NotAfter: not null }, host);
        Assert.Equal(issued, await ThumbprintAsync(host.Pop3s, HostName));
        var log = await host.WaitForLineAsync(line => line.Contains("was not issued", StringComparison.Ordinal), Stop);
        Assert.Contains(HostName, log, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE KEY", host.Output, StringComparison.Ordinal);
    }

    private Task<HostProcess> StartAsync(PebbleServer pebble, Dictionary<string, string> settings) => HostProcess.StartAsync(Options(pebble, settings), Stop);

    private HostOptions Options(PebbleServer pebble, Dictionary<string, string> settings) => new()
    {
        DataFolder = _data.Path,
        Settings = new Dictionary<string, string>(settings)
        {
            ["MailGrains:HostName"] = HostName,
            ["MailGrains:Endpoints:Https"] = "127.0.0.1:0",
            ["MailGrains:Dns:Servers:0"] = pebble.Dns.ToString(),
            ["MailGrains:Acme:Directory"] = pebble.Directory.AbsoluteUri,
            ["MailGrains:Acme:Contact"] = "hostmaster@service.test",
            ["MailGrains:Acme:PublicAddresses:0"] = "127.0.0.1",
            ["MailGrains:Acme:TrustedRoot"] = pebble.TrustedRoot,
        },
    };

    private static HttpClient Api(HostProcess host) => new()
    {
        BaseAddress = new Uri($"http://{host.Http}/api/v1/"),
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", host.Options.ApiKey) },
    };

    private static async Task RenewAsync(HttpClient api, string? name)
    {
        using var answer = await api.PostAsJsonAsync(new Uri("certificates/renew", UriKind.Relative), new { name }, Stop);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(Stop));
    }

    private static async Task<CertificateState?> StateAsync(HttpClient api, string name)
    {
        using var page = JsonDocument.Parse(await api.GetStringAsync(new Uri("certificates", UriKind.Relative), Stop));
        return page.RootElement.GetProperty("items").EnumerateArray()
            .Where(item => item.GetProperty("names").EnumerateArray().Any(n => n.GetString() == name))
            .Select(item => new CertificateState(
                item.GetProperty("lastError").GetString(), TimeOf(item.GetProperty("notAfter")), TimeOf(item.GetProperty("nextOrder"))))
            .FirstOrDefault();
    }

    private static DateTimeOffset? TimeOf(JsonElement element) => element.ValueKind == JsonValueKind.Null ? null : element.GetDateTimeOffset();

    private static async Task<string> ThumbprintAsync(IPEndPoint server, string name)
    {
        using var connection = await TlsConnection.OpenAsync(server, name, Stop);
        return connection.Thumbprint;
    }

    private static async Task<bool> IsForAsync(IPEndPoint server, string name)
    {
        using var connection = await TlsConnection.OpenAsync(server, name, Stop);
        return connection.Certificate.MatchesHostname(name, allowWildcards: false, allowCommonName: false);
    }

    private static async Task LogInWithBindingAsync(IPEndPoint server, string name)
    {
        using var client = new Pop3Client { ServerCertificateValidationCallback = (_, certificate, _, _) => certificate is not null };
        await client.ConnectAsync(server.Address.ToString(), server.Port, SecureSocketOptions.SslOnConnect, Stop);
        await client.AuthenticateAsync(new SaslMechanismScramSha256Plus(new NetworkCredential(Mailbox, Password)), Stop);
        Assert.True(client.IsAuthenticated, name);
    }

    private static async Task<string> OtherMetricsAsync(HostProcess host)
    {
        using var admin = host.NewAdminClient();
        return await admin.GetAsync("metrics", Stop);
    }

    /// <summary>Until it is so, a minute at the most; else the hosts' own words are shown.</summary>
    private static async Task UntilAsync(Func<Task<bool>> isSo, params HostProcess[] hosts)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await isSo())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail("It has not come to that in a minute:\n" + string.Join('\n', hosts.Select(host => host.Output)));
            }

            await Task.Delay(LookAgain, Stop);
        }
    }

    private sealed record CertificateState(string? LastError, DateTimeOffset? NotAfter, DateTimeOffset? NextOrder);
}
