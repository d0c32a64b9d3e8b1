using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>A real Exim as the next server: its log says how mail came.</summary>
public sealed class EximNextHopTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Exim_gets_mail_of_every_kind_in_clear_or_under_TLS_and_its_reports_arrive(bool isModern)
    {
        var cancel = TestContext.Current.CancellationToken;
        var port = FreePort.Choose();
        using var files = new DataFolder();
        await using var dns = SenderSide.Dns();
        using var folder = new DataFolder();
        await using var host = await SenderSide.StartAsync(folder, dns, port, cancel);
        await using var exim = await EximServer.StartAsync(port, host.Smtp, Settings(isModern, files.Path), cancel);

        await SenderSide.SendNotifiedAsync(host, cancel);
        await SenderSide.SendAsync(
            host, cancel, $"MAIL FROM:<{SenderSide.Sender}> SMTPUTF8 BODY=8BITMIME", "RCPT TO:<jürgen@there.test> NOTIFY=NEVER", "DATA", "Subject: grüße\r\n\r\n..dots und Grüße\r\n.");
        var large = new TestMessage(2, 300_000, ["bob@there.test", "eve@there.test"]);
        using (var session = await SmtpSession.OpenAsync(host.Smtp, cancel))
        {
            Assert.Equal(250, (await session.SendAsync(large, cancellationToken: cancel)).Code);
        }

        var reports = await SenderSide.ReportsAsync(host, 2, cancel);
        if (isModern)
        {
            SenderSide.CheckReports(reports, EximServer.Name);
        }
        else
        {
            SenderSide.CheckRelayed(reports, EximServer.Name);
        }

        await Wait.UntilAsync(() => exim.Log.Split('\n').Count(line => line.Contains(" => ", StringComparison.Ordinal) && line.Contains(" T=mail", StringComparison.Ordinal)) == 4, cancel);
        CheckArrivals(exim.Log, isModern);
        Assert.Contains("Envelope-to: jürgen@there.test", exim.Mail, StringComparison.Ordinal);
        Assert.Contains("\n.dots und Grüße\n", exim.Mail, StringComparison.Ordinal);
    }

    private static string Settings(bool isModern, string folder)
    {
        if (!isModern)
        {
            return "tls_advertise_hosts =\nchunking_advertise_hosts =\npipelining_advertise_hosts =\ndsn_advertise_hosts =";
        }

        var certificate = new ServerCertificate(folder, EximServer.Name);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        return $"tls_advertise_hosts = *\ntls_certificate = {certificate.CertificatePath}\ntls_privatekey = {certificate.KeyPath}\nchunking_advertise_hosts = *\ndsn_advertise_hosts = *";
    }

    /// <summary>P= has the protocol, X= the cipher; K stands where BDAT was used (Exim's specification, chapter 52).</summary>
    private static void CheckArrivals(string log, bool isModern)
    {
        var arrivals = log.Split('\n').Where(line => line.Contains($" <= {SenderSide.Sender} ", StringComparison.Ordinal) || line.Contains(" <= sender2@client.test ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(3, arrivals.Length);
        Assert.All(arrivals, line => Assert.Equal(isModern, line.Contains(" X=TLS1.3", StringComparison.Ordinal)));
        Assert.All(arrivals, line => Assert.Equal(isModern, line.Contains(" K ", StringComparison.Ordinal)));

        // What comes behind it on the connection is called so, too.
        var protocol = isModern ? "esmtps" : "esmtp";
        Assert.All(arrivals, line => Assert.Contains($"{protocol} ", line, StringComparison.Ordinal));
        Assert.Contains($" P=utf8{protocol} ", Assert.Single(arrivals, line => line.EndsWith(" for jürgen@there.test", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.DoesNotContain("SMTP protocol", log, StringComparison.Ordinal);
        Assert.DoesNotContain(" rejected ", log, StringComparison.Ordinal);
    }
}
