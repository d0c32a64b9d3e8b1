using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>A host with one mailbox, whose owner sends to <c>there.test</c> and wants to be told what becomes of it.</summary>
internal static class SenderSide
{
    public const string Sender = "ann@us.test";
    private const string Password = "a long password";

    public static DnsServer Dns()
    {
        var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        return dns;
    }

    /// <param name="port">Where the servers of other domains listen.</param>
    public static async Task<HostProcess> StartAsync(DataFolder folder, DnsServer dns, int port, CancellationToken cancellationToken)
    {
        var host = await HostProcess.StartAsync(RelayTests.Options(folder, dns, port, []), cancellationToken);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync("acme", [Sender], Password, cancellationToken);
        return host;
    }

    /// <summary>Says lines, each of which must be answered by success.</summary>
    /// <param name="lines">After EHLO; the content is one, with its end.</param>
    public static async Task SendAsync(HostProcess host, CancellationToken cancellationToken, params string[] lines)
    {
        using var connection = await LineConnection.ConnectAsync(host.Smtp, cancellationToken);
        await RunningHost.ReadReplyAsync(connection, cancellationToken);
        foreach (var line in lines.Prepend("EHLO client.test"))
        {
            await connection.SendAsync(line, cancellationToken);
            var reply = await RunningHost.ReadReplyAsync(connection, cancellationToken);
            Assert.True(reply[0] is '2' or '3', $"{line}: {reply}");
        }
    }

    /// <summary>To Bob, whom the server has, and to one whom it takes and has not.</summary>
    public static Task SendNotifiedAsync(HostProcess host, CancellationToken cancellationToken) => SendAsync(
        host, cancellationToken, $"MAIL FROM:<{Sender}> RET=HDRS ENVID=one+2Btwo", "RCPT TO:<bob@there.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bobby@old.test",
        "RCPT TO:<gone@there.test> NOTIFY=FAILURE ORCPT=rfc822;left+2Bus@old.test", "DATA", "Subject: notified\r\n\r\nthe body of it\r\n.");

    /// <summary>What the sender's mailbox holds, once there are so many.</summary>
    public static async Task<string[]> ReportsAsync(HostProcess host, int count, CancellationToken cancellationToken)
    {
        string[] messages = [];
        await Wait.UntilAsync(async () => (messages = await ReadAsync(host, cancellationToken)).Length >= count, cancellationToken);
        Assert.Equal(count, messages.Length);
        return messages;
    }

    /// <summary>One report of a delivery, one of a failure (RFC 3464), with what the sender gave along, and without the message's body.</summary>
    public static void CheckReports(string[] reports, string server)
    {
        var delivered = Assert.Single(reports, report => report.Contains("\r\nAction: delivered\r\n", StringComparison.OrdinalIgnoreCase));
        var failed = Assert.Single(reports, report => report.Contains("\r\nAction: failed\r\n", StringComparison.OrdinalIgnoreCase));
        CheckFields(delivered, "Return-Path: <>", $"Reporting-MTA: dns; {server}", "Original-Envelope-ID: one+two", "Original-Recipient: rfc822; bobby@old.test", "Final-Recipient: rfc822; bob@there.test", "Status: 2.");
        CheckFields(failed, "Return-Path: <>", $"Reporting-MTA: dns; {server}", "Original-Envelope-ID: one+two", "Original-Recipient: rfc822; left+us@old.test", "Final-Recipient: rfc822; gone@there.test", "Status: 5.");
        Assert.All(reports, report => Assert.DoesNotContain("the body of it", report, StringComparison.Ordinal));
    }

    /// <summary>The server knew nothing of DSN: that it took the mail is reported here (RFC 3461 §5.2.2), and its own report of the failure lacks what the sender gave along.</summary>
    public static void CheckRelayed(string[] reports, string server)
    {
        var relayed = Assert.Single(reports, report => report.Contains("\r\nAction: relayed\r\n", StringComparison.Ordinal));
        var failed = Assert.Single(reports, report => report.Contains("\r\nAction: failed\r\n", StringComparison.OrdinalIgnoreCase));
        CheckFields(relayed, "Return-Path: <>", "Reporting-MTA: dns; us.test", "Original-Envelope-ID: one+two", "Original-Recipient: rfc822; bobby@old.test", "Final-Recipient: rfc822; bob@there.test", $"Remote-MTA: dns; {server}", "Status: 2.");
        CheckFields(failed, "Return-Path: <>", $"Reporting-MTA: dns; {server}", "Final-Recipient: rfc822; gone@there.test", "Status: 5.");
        Assert.DoesNotContain("the body of it", relayed, StringComparison.Ordinal);
    }

    /// <summary>Servers write spaces and xtext as they like.</summary>
    private static void CheckFields(string report, params string[] fields)
    {
        var plain = Plain(report);
        Assert.All(fields, field => Assert.Contains("\r\n" + Plain(field), "\r\n" + plain, StringComparison.OrdinalIgnoreCase));
    }

    private static string Plain(string text) => text.Replace("+2B", "+", StringComparison.OrdinalIgnoreCase).Replace(" ", "", StringComparison.Ordinal);

    private static async Task<string[]> ReadAsync(HostProcess host, CancellationToken cancellationToken)
    {
        using var session = await Pop3Session.LogInAsync(host.Pop3, Sender, Password, cancellationToken);
        var messages = new List<string>();
        foreach (var (number, _) in await session.ListAsync(cancellationToken))
        {
            messages.Add(System.Text.Encoding.UTF8.GetString(await session.RetrieveAsync(number, cancellationToken)));
        }

        return [.. messages];
    }
}
