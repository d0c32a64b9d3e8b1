using System.Globalization;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Interop;

/// <summary>Clients that nobody here wrote: Python's smtplib and poplib, swaks, msmtp, curl. Each checks the certificate, where it can.</summary>
public sealed class CommandLineClientTests(InteropHost interop) : IClassFixture<InteropHost>
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private string Submission => interop.Host.Submission.Port.ToString(CultureInfo.InvariantCulture);

    private string Submissions => interop.Host.Submissions.Port.ToString(CultureInfo.InvariantCulture);

    [Fact]
    public async Task PythonSubmitsByStartTlsAndImplicitTlsAndReadsByStls()
    {
        var python = DebianProgram.Require("python3", "python3");
        var script = Path.Combine(interop.Files.Path, "client.py");
        await File.WriteAllTextAsync(script, PythonScript, _cancellation);
        var output = await ExternalProgram.RunAsync(
            python,
            [
                script, interop.Certificate.CertificatePath, Submission, Submissions, interop.Host.Pop3.Port.ToString(CultureInfo.InvariantCulture),
                interop.Host.Pop3s.Port.ToString(CultureInfo.InvariantCulture), InteropHost.User, InteropHost.Friend, InteropHost.Password,
            ],
            _cancellation);
        Assert.Contains("refused 535", output, StringComparison.Ordinal);
        Assert.Contains("forged 550", output, StringComparison.Ordinal);
        Assert.Contains("ESMTPSA", await interop.ReceivedAsync("python starttls", _cancellation), StringComparison.Ordinal);
        Assert.Contains("ESMTPSA", await interop.ReceivedAsync("python implicit", _cancellation), StringComparison.Ordinal);
        Assert.Contains("UTF8SMTPSA", await interop.ReceivedAsync("python grüße", _cancellation), StringComparison.Ordinal);
        Assert.Contains("stls ok", output, StringComparison.Ordinal);
        Assert.Contains("pop3s ok", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task SwaksSubmitsUnderTls(string mechanism)
    {
        var subject = $"swaks {mechanism}";
        await SwaksAsync(
            "--server", $"127.0.0.1:{Submission}", "-tls", "--auth", mechanism, "--auth-user", InteropHost.User, "--auth-password", InteropHost.Password,
            "--from", InteropHost.User, "--to", InteropHost.Friend, "--header", $"Subject: {subject}");
        Assert.Contains("ESMTPSA", await interop.ReceivedAsync(subject, _cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clear", "ESMTP id")]
    [InlineData("tls", "ESMTPS id")]
    public async Task SwaksHandsOverMailOnPort25(string kind, string protocol)
    {
        string[] tls = kind == "tls" ? ["-tls"] : [];
        await SwaksAsync([
            "--server", $"127.0.0.1:{interop.Host.Smtp.Port}", .. tls, "--from", "a@elsewhere.test", "--to", InteropHost.Friend, "--header", $"Subject: swaks {kind}",
        ]);
        Assert.Contains(protocol, await interop.ReceivedAsync($"swaks {kind}", _cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SwaksCanNotRelayThroughPort25()
    {
        var swaks = DebianProgram.Require("swaks", "swaks");
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => ExternalProgram.RunAsync(
            swaks, ["--server", $"127.0.0.1:{interop.Host.Smtp.Port}", "--from", "a@elsewhere.test", "--to", "b@elsewhere.test"], _cancellation));
        Assert.Contains("550 5.7.1", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("on", "plain")]
    [InlineData("off", "plain")]
    [InlineData("on", "scram-sha-256")]
    public async Task MsmtpSubmits(string startTls, string mechanism)
    {
        var msmtp = DebianProgram.Require("msmtp", "msmtp");
        var subject = $"msmtp {startTls} {mechanism}";
        await ExternalProgram.RunAsync(
            msmtp,
            [
                "--file=/dev/null", "--host=127.0.0.1", $"--port={(startTls == "on" ? Submission : Submissions)}", "--tls=on", $"--tls-starttls={startTls}",
                $"--tls-trust-file={interop.Certificate.CertificatePath}", $"--auth={mechanism}", $"--user={InteropHost.User}",
                $"--passwordeval=echo '{InteropHost.Password}'", $"--from={InteropHost.User}", InteropHost.Friend,
            ],
            _cancellation,
            input: $"From: {InteropHost.User}\nTo: {InteropHost.Friend}\nBcc: hidden@interop.test\nSubject: {subject}\n\nA message.\n");
        var received = await interop.ReceivedAsync(subject, _cancellation);
        Assert.Contains("ESMTPSA", received, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden@", received, StringComparison.Ordinal);
        Assert.Contains("\r\nDate: ", received, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\r\nMessage-ID: ", received, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("smtp")]
    [InlineData("smtps")]
    public async Task CurlSubmitsAndReads(string scheme)
    {
        var curl = DebianProgram.Require("curl", "curl");
        var subject = $"curl {scheme}";
        string[] common = ["--silent", "--show-error", "--ssl-reqd", "--cacert", interop.Certificate.CertificatePath, "--max-time", "30"];
        await ExternalProgram.RunAsync(
            curl,
            [
                .. common, "--user", $"{InteropHost.User}:{InteropHost.Password}", "--mail-from", InteropHost.User, "--mail-rcpt", InteropHost.Friend,
                "--upload-file", "-", $"{scheme}://localhost:{(scheme == "smtp" ? Submission : Submissions)}/client.test",
            ],
            _cancellation,
            input: $"From: {InteropHost.User}\r\nTo: {InteropHost.Friend}\r\nSubject: {subject}\r\n\r\nA message.\r\n");
        await interop.ReceivedAsync(subject, _cancellation);
        var (pop3, port) = scheme == "smtp" ? ("pop3", interop.Host.Pop3.Port) : ("pop3s", interop.Host.Pop3s.Port);
        var list = await ExternalProgram.RunAsync(
            curl, [.. common, "--user", $"{InteropHost.Friend}:{InteropHost.Password}", $"{pop3}://localhost:{port}/"], _cancellation);
        Assert.StartsWith("1 ", list, StringComparison.Ordinal);
    }

    /// <summary>As from behind a proxy, which is no matter under TLS and forbidden without.</summary>
    [Fact]
    public async Task UserSeesTheOwnAccountByHttps()
    {
        var curl = DebianProgram.Require("curl", "curl");
        string[] common = ["--silent", "--show-error", "--fail", "--max-time", "30", "--user", $"{InteropHost.User}:{InteropHost.Password}", "--header", "X-Forwarded-For: 192.0.2.1"];
        var account = await ExternalProgram.RunAsync(
            curl, [.. common, "--cacert", interop.Certificate.CertificatePath, $"https://localhost:{interop.Host.Https.Port}/api/v1/me"], _cancellation);
        Assert.Contains(InteropHost.User, account, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => ExternalProgram.RunAsync(
            curl, [.. common, $"http://localhost:{interop.Host.Http.Port}/api/v1/me"], _cancellation));
        Assert.Contains("403", refused.Message, StringComparison.Ordinal);

        var sentTo = await ExternalProgram.RunAsync(
            curl, ["--silent", "--max-time", "30", "--header", "X-Forwarded-For: 192.0.2.1", "--write-out", "%{http_code} %{redirect_url}", $"http://localhost:{interop.Host.Http.Port}/dashboard/"],
            _cancellation);
        Assert.Equal("308 https://localhost/dashboard/", sentTo);
    }

    private async Task SwaksAsync(params string[] arguments)
    {
        // Without this library of Perl's swaks knows no TLS.
        DebianProgram.Require("/usr/share/doc/libnet-ssleay-perl/copyright", "libnet-ssleay-perl");
        await ExternalProgram.RunAsync(DebianProgram.Require("swaks", "swaks"), arguments, _cancellation);
    }

    private const string PythonScript = """
        import email.policy, poplib, smtplib, ssl, sys
        from email.message import EmailMessage

        ca, submission, submissions, pop3, pop3s, user, friend, password = sys.argv[1:]
        context = ssl.create_default_context(cafile=ca)

        def message(subject, sender=user, policy=email.policy.SMTP):
            m = EmailMessage(policy=policy)
            m["From"], m["To"], m["Subject"] = sender, friend, subject
            m.set_content("A message with gr\u00fc\u00dfe.\n", cte="8bit")
            return m

        with smtplib.SMTP("localhost", int(submission)) as s:
            s.starttls(context=context)
            try:
                s.login(user, "wrong password")
            except smtplib.SMTPAuthenticationError as e:
                print("refused", e.smtp_code)
        with smtplib.SMTP("localhost", int(submission)) as s:
            s.starttls(context=context)
            s.login(user, password)
            s.send_message(message("python starttls"))
            try:
                s.send_message(message("forged"), from_addr="somebody@elsewhere.test")
            except smtplib.SMTPSenderRefused as e:
                print("forged", e.smtp_code)
            m = message("python gr\u00fc\u00dfe", policy=email.policy.SMTPUTF8)
            s.send_message(m, mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        with smtplib.SMTP_SSL("localhost", int(submissions), context=context) as s:
            s.login(user, password)
            s.send_message(message("python implicit"))
        p = poplib.POP3("localhost", int(pop3))
        p.stls(context)
        p.user(friend); p.pass_(password)
        if p.stat()[0] >= 3: print("stls ok")
        p.quit()
        p = poplib.POP3_SSL("localhost", int(pop3s), context=context)
        p.user(friend); p.pass_(password)
        if p.stat()[0] >= 3: print("pop3s ok")
        p.quit()
        """;
}
