using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Interop;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>A real Postfix as the next server: what it writes into the trace says what it was offered and how it came.</summary>
public sealed class PostfixNextHopTests
{
    [Fact]
    public async Task Postfix_gets_mail_under_TLS_in_chunks_with_eight_bits_and_more_than_ASCII()
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var end = new MailServer();
        using var postfixFolder = new DataFolder();
        var certificate = new ServerCertificate(postfixFolder.Path, "mx.there.test");
        await using var postfix = await PostfixRelay.StartAsync(
            postfixFolder.Path, end.EndPoint,
            $"smtpd_tls_security_level = may\nsmtpd_tls_received_header = yes\nsmtpd_tls_cert_file = {certificate.CertificatePath}\nsmtpd_tls_key_file = {certificate.KeyPath}", cancel);
        await using var dns = DnsServer.Start();
        dns.Add("there.test", DnsType.Mx, "10 mx.there.test");
        dns.Add("mx.there.test", DnsType.A, "127.0.0.1");
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(RelayTests.Options(folder, dns, postfix.Smtp.Port, []), cancel);
        using (var admin = host.NewAdminClient())
        {
            await admin.PutTenantAsync("acme", cancel);
        }

        var large = new TestMessage(2, 300_000, ["bob@there.test", "eve@there.test"]);
        using (var session = await SmtpSession.OpenAsync(host.Smtp, cancel))
        {
            Assert.Equal(250, (await session.SendAsync(large, cancellationToken: cancel)).Code);
        }

        await SenderSide.SendAsync(
            host, cancel, "MAIL FROM:<ann@us.test> SMTPUTF8 BODY=8BITMIME RET=HDRS", "RCPT TO:<bob@there.test> NOTIFY=FAILURE", "DATA",
            "Subject: grüße\r\n\r\ngrüße\r\n.");
        await Wait.UntilAsync(() => end.Taken.Count == 2, cancel);

        var mails = end.Taken.OrderByDescending(mail => mail.Content.Length).ToArray();

        // It adds fields to the header.
        var content = System.Text.Encoding.Latin1.GetString(large.Content());
        Assert.EndsWith(content[content.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], mails[0].Content, StringComparison.Ordinal);
        Assert.Equal(["bob@there.test", "eve@there.test"], mails[0].To);
        Assert.Contains("with ESMTPS id", mails[0].Content, StringComparison.Ordinal);
        Assert.Contains("TLSv1.3", mails[0].Content, StringComparison.Ordinal);
        Assert.Contains("with UTF8SMTPS id", mails[1].Content, StringComparison.Ordinal);
        Assert.EndsWith("gr\u00c3\u00bc\u00c3\u009fe\r\n", mails[1].Content, StringComparison.Ordinal);

        // With it its connection ends, which would be idle for some seconds.
        Assert.Equal(0, await host.StopAsync());
        await Wait.UntilAsync(() => File.ReadAllText(postfix.Log).Contains(" disconnect from ", StringComparison.Ordinal), cancel);
        var log = await File.ReadAllTextAsync(postfix.Log, cancel);
        Assert.DoesNotContain("warning:", log, StringComparison.Ordinal);
        Assert.Contains(" starttls=1 mail=2 rcpt=3 bdat=", log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Postfix_gets_what_a_sender_wants_to_be_told_and_its_reports_arrive()
    {
        var cancel = TestContext.Current.CancellationToken;
        var port = FreePort.Choose();
        await using var dns = SenderSide.Dns();
        using var folder = new DataFolder();
        await using var host = await SenderSide.StartAsync(folder, dns, port, cancel);
        using var postfixFolder = new DataFolder();
        var boxes = Directory.CreateDirectory(Path.Combine(postfixFolder.Path, "boxes"));
        boxes.UnixFileMode = (UnixFileMode)0b111_111_111;

        // Whom it does not know it finds out when it delivers.
        await using var postfix = await PostfixRelay.StartAsync(
            postfixFolder.Path, host.Smtp,
            $"""
            smtpd_reject_unlisted_recipient = no
            virtual_mailbox_domains = there.test
            virtual_mailbox_maps = inline:{"{"}bob@there.test=bob{"}"}
            virtual_mailbox_base = {boxes.FullName}
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534
            """, cancel, port);

        await SenderSide.SendNotifiedAsync(host, cancel);

        var reports = await SenderSide.ReportsAsync(host, 2, cancel);
        SenderSide.CheckReports(reports, "relay.elsewhere.test");
        Assert.Contains("Subject: notified", await File.ReadAllTextAsync(Path.Combine(boxes.FullName, "bob"), cancel), StringComparison.Ordinal);
    }
}
