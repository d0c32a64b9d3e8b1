using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Smtp;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Fuzzing.Targets;

/// <summary>
/// The whole SMTP session, brought into a state first, then sent what the input says; mail exchange and submission. In clear: under TLS the same session
/// reads from another pipe. Limits are small, so that inputs reach them.
/// </summary>
internal static class SmtpTargets
{
    private const int MaxLineBytes = 200;
    private const string Mail = "MAIL FROM:<a@b.test>\r\n";
    private const string Rcpt = "RCPT TO:<c@example.test>\r\n";
    private const string Login = "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=\r\n";

    private static readonly SmtpServerOptions Exchange = Options(isSubmission: false);
    private static readonly SmtpServerOptions Submission = Options(isSubmission: true);
    private static readonly SmtpConnection Plain = SmtpConnection.Plain;
    private static readonly SmtpConnection WithLogin = new() { Accounts = new FuzzAccounts(), AllowsClearTextLogin = true, OffersBearer = true };

    private static readonly string[] Seeds =
    [
        "\0EHLO c.test\r\nMAIL FROM:<a@b.test> SIZE=9\r\nRCPT TO:<c@example.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n",
        "\u0005MAIL FROM:<> BODY=BINARYMIME\r\nRCPT TO:<c@example.test>\r\nBDAT 14\r\nSubject: x\r\n\r\nBDAT 2 LAST\r\n\0\nNOOP\r\n",
        "\u0009RCPT TO:<d@example.test>\r\nDATA\r\nA: b\r\n\r\nbody\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@example.test>\r\nBDAT 4 LAST\r\na\r\n.RSET\r\n",
        "\0Subject: x\r\n\r\n.a\n.\n\r.\r\n.\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<x@y>\r\nDATA\r\n", "\u0001BDAT 6\r\nA: b\r\nBDAT 0 LAST\r\n", "\0AUTH PLAIN\r\n*\r\nQUIT\r\n",
        "\0AUTH LOGIN\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\nc2VjcmV0\r\n", "\0AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9YWJj\r\nYz1iaXdzLHI9YWJjLHA9QUFBQQ==\r\n",
    ];

    private static readonly string[] Words =
    [
        "EHLO c.test\r\n", "HELO c\r\n", "MAIL FROM:<a@b.test>", "RCPT TO:<c@example.test>", "RCPT TO:<x@example.test>\r\n", "RCPT TO:<t@example.test>\r\n", "DATA\r\n",
        "BDAT 0 LAST\r\n", "BDAT 1\r\n", "BDAT 12\r\n", "BDAT 9 LAST\r\n", "BDAT 99999999999999999999\r\n", " LAST", "RSET\r\n", "NOOP\r\n", "QUIT\r\n", "VRFY x\r\n", "HELP\r\n",
        "STARTTLS\r\n", "GET / HTTP/1.1\r\n", " BODY=BINARYMIME", " BODY=8BITMIME", " SIZE=1", " SMTPUTF8", " AUTH=<>", " RET=FULL", " ENVID=a+20b",
        " NOTIFY=NEVER", " NOTIFY=SUCCESS,DELAY", " ORCPT=rfc822;a@b.test", " ORCPT=utf-8;\\x{20AC}@b", " HOLDFOR=60", " HOLDUNTIL=2000-01-02T03:04:05Z",
        " BY=60;RT", " BY=-1;N", " MT-PRIORITY=3", " MT-PRIORITY=-9", " REQUIRETLS", "ETRN example.test\r\n", "ETRN @", "ETRN #q\r\n", "\r\n", "\r\n.\r\n", ".\r\n", "..", "\r", "\n", "\0", ".",
        "\n.\n", "\r.\r", "\r\n.\n", "\n.\r\n", Login, "AUTH PLAIN\r\n", "AUTH PLAIN =\r\n", "AUTH LOGIN\r\n", "*\r\n", "AUTH SCRAM-SHA-256 ", "AUTH XOAUTH2 ", "AUTH OAUTHBEARER ",
        "AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=\r\n", "biwsbj11c2VyLHI9YWJj\r\n", "Subject: x\r\n", new string('x', 90), Mail + Rcpt, Mail + Rcpt + "DATA\r\n",
    ];

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        Target("smtp-connected", Exchange, Plain, ""),
        Target("smtp-ready", Exchange, Plain, "EHLO c.test\r\n"),
        Target("smtp-sender", Exchange, Plain, "EHLO c.test\r\n" + Mail),
        Target("smtp-recipients", Exchange, Plain, "EHLO c.test\r\n" + Mail + Rcpt),
        Target("smtp-data", Exchange, Plain, "EHLO c.test\r\n" + Mail + Rcpt + "DATA\r\n"),
        Target("smtp-chunks", Exchange, Plain, "EHLO c.test\r\n" + Mail + Rcpt + "BDAT 12\r\nSubject: x\r\n"),
        Target("smtp-binary", Exchange, Plain, "EHLO c.test\r\nMAIL FROM:<a@b.test> BODY=BINARYMIME\r\n" + Rcpt + "BDAT 14\r\nSubject: x\r\n\r\n"),
        Target("submission-ready", Submission, WithLogin, "EHLO c.test\r\n"),
        Target("submission-auth", Submission, WithLogin, "EHLO c.test\r\nAUTH PLAIN\r\n"),
        Target("submission-login", Submission, WithLogin, "EHLO c.test\r\n" + Login),
        Target("submission-data", Submission, WithLogin, "EHLO c.test\r\n" + Login + Mail + Rcpt + "DATA\r\n"),
        Target("submission-chunks", Submission, WithLogin, "EHLO c.test\r\n" + Login + Mail + Rcpt + "BDAT 12\r\nSubject: x\r\n"),
    ];

    private static FuzzTarget Target(string name, SmtpServerOptions options, SmtpConnection connection, string before)
    {
        var prefix = Octets.Of(before);
        return new FuzzTarget(name, Octets.All(Seeds), Octets.All(Words), input => Run(options, connection, prefix, input));
    }

    private static void Run(SmtpServerOptions options, SmtpConnection connection, byte[] prefix, byte[] input)
    {
        var backend = new RecordingSmtpBackend();
        var session = new SmtpServerSession(options, backend, new FakeTimeProvider(), connection);
        var transcript = WireRun.Play(transport => session.RunAsync(transport, CancellationToken.None), prefix, input);
        var limits = new ContentLimits(options.MaxTextLineBytes, options.MaxHeaderBytes, options.MaxMessageBytes);
        var expected = new SmtpModel(transcript, MaxLineBytes, limits, options.IsSubmission).Messages();
        backend.CheckEnd();
        Check.That(expected.Count == backend.Messages.Count, $"{backend.Messages.Count} messages of {expected.Count}");
        for (var i = 0; i < expected.Count; i++)
        {
            Check.Same(expected[i], backend.Messages[i], "a message");
        }
    }

    private static SmtpServerOptions Options(bool isSubmission) => new()
    {
        HostName = "mx.example.test",
        Extensions = (SmtpExtensions)(-1),
        IsSubmission = isSubmission,
        MaxCommandLineBytes = MaxLineBytes,
        MaxAuthLineBytes = MaxLineBytes,
        MaxHeaderBytes = 120,
        MaxTextLineBytes = 80,
        MaxMessageBytes = 300,
        MaxRecipients = 3,
        MaxErrors = 12,
    };
}
