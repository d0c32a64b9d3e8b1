using System.Diagnostics;
using System.Net;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Connections;

/// <summary>A host that trusts nobody: what 127.0.0.2 meets on port 25, and 127.0.0.1 does not where it is trusted.</summary>
public sealed class PolicyTests
{
    private const string Mailbox = "one@policy.test";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_that_nobody_trusts_meets_every_policy()
    {
        await using var dns = DnsServer.Start();
        dns.AddPointer("127.0.0.2", "mail.client.test");
        dns.Add("mail.client.test", DnsType.A, "127.0.0.2");
        dns.Add("3.0.0.127.bl.test", DnsType.A, "127.0.0.2");
        dns.Add("3.0.0.127.bl.test", DnsType.Txt, "Listed as a test");
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(
            new HostOptions
            {
                DataFolder = folder.Path,
                Settings = new Dictionary<string, string>
                {
                    ["MailGrains:Smtp:TrustedNetworks"] = "",
                    ["MailGrains:Smtp:GreetDelay"] = "00:00:00.300",
                    ["MailGrains:Smtp:TarpitDelay"] = "00:00:00.200",
                    ["MailGrains:Smtp:Dnsbl:Zones:0:Zone"] = "bl.test",
                    ["MailGrains:Smtp:Limits:FailedRecipientsPerMinute"] = "2",
                    ["MailGrains:Dns:Servers:0"] = dns.EndPoint.ToString(),
                },
            },
            Cancel);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync("policy", [Mailbox], RunningHost.Password, Cancel);

        await EarlyTalkerIsSentAwayAsync(host);
        await MailOfAKnownClientIsTakenWithItsNameAsync(host);
        await ListedClientReachesPostmasterOnlyAsync(host);
        await GuesserIsSentAwayAsync(host);
        await RefusalsComeLaterAsync(host);
    }

    private static async Task EarlyTalkerIsSentAwayAsync(HostProcess host)
    {
        using var early = await ConnectAsync(host, "127.0.0.2");
        await early.SendAsync("EHLO client.test", Cancel);
        Assert.StartsWith("554 5.5.1 ", await early.ReadLineAsync(Cancel), StringComparison.Ordinal);
        await host.WaitForLineAsync(line => line.Contains("127.0.0.2", StringComparison.Ordinal) && line.Contains("EarlyTalker", StringComparison.Ordinal), Cancel);
    }

    private static async Task MailOfAKnownClientIsTakenWithItsNameAsync(HostProcess host)
    {
        using var client = await GreetedAsync(host, "127.0.0.2");
        Assert.StartsWith("250", await AskAsync(client, "MAIL FROM:<a@client.test>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await AskAsync(client, $"RCPT TO:<{Mailbox}>"), StringComparison.Ordinal);
        Assert.StartsWith("354", await AskAsync(client, "DATA"), StringComparison.Ordinal);
        Assert.StartsWith("250", await AskAsync(client, "Subject: hello\r\n\r\nhello\r\n."), StringComparison.Ordinal);
        await host.WaitForLineAsync(
            line => line.Contains("from 127.0.0.2 (mail.client.test, EHLO mail.client.test (true)) <a@client.test>", StringComparison.Ordinal), Cancel);
        using var reader = await Pop3Session.LogInAsync(host.Pop3, Mailbox, RunningHost.Password, Cancel);
        var text = System.Text.Encoding.ASCII.GetString(await reader.RetrieveAsync(1, Cancel));
        Assert.Contains("(mail.client.test [127.0.0.2])", text.Replace("\r\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    private static async Task ListedClientReachesPostmasterOnlyAsync(HostProcess host)
    {
        using var listed = await GreetedAsync(host, "127.0.0.3");
        await AskAsync(listed, "MAIL FROM:<a@client.test>");
        var refusal = await AskAsync(listed, $"RCPT TO:<{Mailbox}>");
        Assert.StartsWith("554 5.7.1 ", refusal, StringComparison.Ordinal);
        Assert.Contains("bl.test", refusal, StringComparison.Ordinal);
        Assert.Contains("Listed as a test", refusal, StringComparison.Ordinal);
        Assert.StartsWith("250", await AskAsync(listed, "RCPT TO:<postmaster@policy.test>"), StringComparison.Ordinal);
    }

    private static async Task GuesserIsSentAwayAsync(HostProcess host)
    {
        using var guesser = await GreetedAsync(host, "127.0.0.4");
        await AskAsync(guesser, "MAIL FROM:<a@client.test>");
        Assert.StartsWith("550 5.1.1 ", await AskAsync(guesser, "RCPT TO:<x1@policy.test>"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1 ", await AskAsync(guesser, "RCPT TO:<x2@policy.test>"), StringComparison.Ordinal);
        Assert.StartsWith("421 4.7.0 ", await AskAsync(guesser, "RCPT TO:<x3@policy.test>"), StringComparison.Ordinal);
    }

    private static async Task RefusalsComeLaterAsync(HostProcess host)
    {
        using var client = await GreetedAsync(host, "127.0.0.5");
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 6; i++)
        {
            Assert.StartsWith("500 5.5.2 ", await AskAsync(client, "WHAT"), StringComparison.Ordinal);
        }

        // 1, 2 and 3 times 200 ms.
        Assert.True(clock.Elapsed > TimeSpan.FromSeconds(1), $"six refusals took {clock.Elapsed}");
    }

    private static async Task<LineConnection> GreetedAsync(HostProcess host, string from)
    {
        var client = await ConnectAsync(host, from);
        Assert.StartsWith("220 ", await RunningHost.ReadReplyAsync(client, Cancel), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await AskAsync(client, "EHLO mail.client.test"), StringComparison.Ordinal);
        return client;
    }

    private static Task<LineConnection> ConnectAsync(HostProcess host, string from) =>
        LineConnection.ConnectAsync(host.Smtp, Cancel, IPAddress.Parse(from));

    private static async Task<string> AskAsync(LineConnection client, string line)
    {
        await client.SendAsync(line, Cancel);
        return await RunningHost.ReadReplyAsync(client, Cancel);
    }
}
