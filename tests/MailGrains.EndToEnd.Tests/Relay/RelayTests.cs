using System.Globalization;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>The built host sends what is not its own to the servers that DNS, or a route, names.</summary>
public sealed class RelayTests
{
    [Fact]
    public async Task Mail_for_other_servers_arrives_there_by_mx_and_by_route_and_leaves_no_queue()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var server = new MailServer();
        await using var smartHost = new MailServer();
        await using var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(
            new HostOptions
            {
                DataFolder = folder.Path,
                Settings = new Dictionary<string, string>
                {
                    ["MailGrains:HostName"] = "us.test",
                    ["MailGrains:Dns:Servers:0"] = dns.EndPoint.ToString(),
                    ["MailGrains:Relay:Port"] = server.Port.ToString(CultureInfo.InvariantCulture),
                    ["MailGrains:Relay:AllowPrivateDestinations"] = "true",
                    ["MailGrains:Relay:MtaSts"] = "false",
                    ["MailGrains:Relay:Routes:0:Domain"] = "*.routed.test",
                    ["MailGrains:Relay:Routes:0:Host"] = "127.0.0.1",
                    ["MailGrains:Relay:Routes:0:Port"] = smartHost.Port.ToString(CultureInfo.InvariantCulture),
                    ["MailGrains:Smtp:RelayNetworks:0"] = "127.0.0.0/8",
                    ["MailGrains:Smtp:RelayTenant"] = "acme",
                },
            },
            cancel);
        using var admin = host.NewAdminClient();
        await admin.PutTenantAsync("acme", cancel);

        var small = new TestMessage(1, 2_000, ["bob@there.test", "eve@there.test"]);
        var large = new TestMessage(2, 200_000, ["bob@there.test"]);
        var routed = new TestMessage(3, 2_000, ["joe@a.routed.test"]);
        using (var session = await SmtpSession.OpenAsync(host.Smtp, cancel))
        {
            foreach (var message in new[] { small, large, routed })
            {
                var reply = await session.SendAsync(message, cancellationToken: cancel);
                Assert.True(reply.Code == 250, reply.Text);
            }
        }

        await Wait.UntilAsync(() => server.Taken.Count == 2 && smartHost.Taken.Count == 1, cancel);
        var mails = server.Taken.OrderBy(mail => mail.Content.Length).ToArray();
        Assert.Equal(["bob@there.test", "eve@there.test"], mails[0].To);
        Assert.EndsWith(System.Text.Encoding.Latin1.GetString(small.Content()), mails[0].Content, StringComparison.Ordinal);
        Assert.EndsWith(System.Text.Encoding.Latin1.GetString(large.Content()), mails[1].Content, StringComparison.Ordinal);
        Assert.StartsWith("Received: ", mails[0].Content, StringComparison.Ordinal);
        Assert.Equal(["joe@a.routed.test"], Assert.Single(smartHost.Taken).To);
        Assert.Contains("EHLO us.test", server.Commands);

        var metrics = await HostMetrics.ReadAsync(admin, cancel);
        Assert.Equal(3, metrics.Sum("mailgrains_queue_messages_total", "status=\"Queued\""));
        Assert.Equal(0, await host.StopAsync());
    }
}

internal static class Wait
{
    public static async Task UntilAsync(Func<bool> isSo, CancellationToken cancellationToken)
    {
        for (var turns = 0; !isSo(); turns++)
        {
            Assert.True(turns < 6_000, "It never came to be.");
            await Task.Delay(5, cancellationToken);
        }
    }
}
