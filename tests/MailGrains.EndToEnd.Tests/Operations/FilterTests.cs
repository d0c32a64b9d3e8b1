using System.Text;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Daemons;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Operations;

/// <summary>The built host with rspamd and ClamAV behind it.</summary>
public sealed class FilterTests
{
    private const string Mailbox = "one@filtered.test";

    [Fact]
    public async Task Spam_and_viruses_are_refused_and_the_rest_is_kept_with_a_verdict()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var rspamd = new RspamdServer();
        await using var clamd = new ClamdServer();
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(new HostOptions
        {
            DataFolder = folder.Path,
            Settings = new Dictionary<string, string>
            {
                ["MailGrains:HostName"] = "mx.filtered.test",
                ["MailGrains:Filters:Rspamd:Url"] = (await rspamd.UrlAsync()).ToString(),
                ["MailGrains:Filters:Clamd:Address"] = (await clamd.AddressAsync()).ToString(),
            },
        }, cancel);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync("filtered", [Mailbox], RunningHost.Password, cancel);

        Assert.StartsWith("550 5.7.1 Message refused (rspamd: reject), id ", await SendAsync(RspamdServer.Gtube), StringComparison.Ordinal);
        Assert.StartsWith(
            $"550 5.7.1 Message refused (clamd: {ClamdServer.Signature}), id ", await SendAsync(ClamdServer.Virus), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await SendAsync("hello"), StringComparison.Ordinal);

        using (var reader = await Pop3Session.LogInAsync(host.Pop3, Mailbox, RunningHost.Password, cancel))
        {
            var message = Encoding.Latin1.GetString(await reader.RetrieveAsync(Assert.Single(await reader.ListAsync(cancel)).Number, cancel));
            Assert.Contains("X-MailGrains-Verdict: mx.filtered.test; accept; clamd=accept (clean);", message, StringComparison.Ordinal);
        }

        var metrics = await HostMetrics.ReadAsync(admin, cancel);
        Assert.Equal(1, metrics.Sum("mailgrains_filter_verdicts_total", "filter=\"rspamd\"", "action=\"reject\"", "failed=\"false\""));
        Assert.Equal(2, metrics.Sum("mailgrains_filter_verdicts_total", "filter=\"clamd\"", "action=\"accept\"", "failed=\"false\""));

        async Task<string> SendAsync(string body)
        {
            using var connection = await LineConnection.ConnectAsync(host.Smtp, cancel);
            await RunningHost.ReadReplyAsync(connection, cancel);
            string[] lines = ["EHLO client.test", "MAIL FROM:<a@example.org>", $"RCPT TO:<{Mailbox}>", "DATA", $"Subject: hi\r\n\r\n{body}\r\n."];
            var reply = "";
            foreach (var line in lines)
            {
                await connection.SendAsync(line, cancel);
                reply = await RunningHost.ReadReplyAsync(connection, cancel);
            }

            return reply;
        }
    }
}
