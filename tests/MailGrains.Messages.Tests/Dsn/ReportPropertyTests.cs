using System.Text;
using CsCheck;
using MailGrains.Messages.Conversion;
using MailGrains.Messages.Dsn;
using MailGrains.Testing.Programs;
using MimeKit;

namespace MailGrains.Messages.Tests.Dsn;

public sealed class ReportPropertyTests
{
    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String[Gen.Char['\0', '\uFFFF'], 0, 60], Gen.String[Gen.Char[' ', '~'], 0, 1_200],
        Gen.OneOf(
            "\r\nBcc: x", "\r\n\r\n--x", "a\0b", "<a@b>", "\uD800", "a\uDC00\r", "\u2028", new string('x', 3_000), new string('\u20AC', 800),
            "\r\n\r\nAction: delivered\r\n", "a@b.test", "x;y", "--=_", "utf-8;\u20AC@x.test"));

    private static readonly Gen<ReportedRecipient> Recipient =
        Gen.Select(AnyText, Gen.Enum<DeliveryAction>(), AnyText, AnyText, AnyText, Gen.OneOf(Gen.Const(0), Gen.Int[200, 599])).Select(
            (address, action, text, host, other, code) => new ReportedRecipient(address, action, other)
            {
                OriginalRecipient = "rfc822;" + other,
                RemoteMta = host,
                Code = code,
                Text = text,
                LogId = other,
                RetriedUntil = Reports.Noon,
                IsExpired = code == 0,
            });

    private static readonly Gen<DeliveryReport> Report =
        Gen.Select(Recipient.Array[1, 4], AnyText, AnyText, AnyText, Gen.Bool, Gen.Bool, Gen.Bool).Select((recipients, name, to, id, utf8, sevenBit, full) =>
            Reports.Of([.. recipients]) with
            {
                ReportingMta = name,
                Domain = name,
                To = "x" + to,
                MessageId = id,
                EnvelopeId = id,
                FutureReleaseRequest = id,
                DeliverBy = full ? Reports.Noon : null,
                ReceivedFrom = name,
                SmtpUtf8 = utf8,
                SevenBit = sevenBit,
                ReturnsFull = full,
            });

    private static readonly string[] HeaderFields =
        ["Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version", "Content-Type"];

    [Fact]
    public void NoDataBreaksOutOfItsPlace() => Gen.Select(Report, AnyText, AnyText).Sample((report, header, body) =>
    {
        var message = Reports.Write(report, $"Message-ID: <{header}>\r\nSubject: {header}\r\n\r\n{body}\r\n");
        var needs = ContentScan.Of(message.Content.Span);
        Assert.Equal(ContentNeeds.None, needs & ~(ContentNeeds.EightBit | ContentNeeds.EightBitHeader));
        Assert.Equal(message.NeedsSmtpUtf8, (needs & ContentNeeds.EightBitHeader) != 0);
        Assert.Equal(message.IsEightBit, (needs & ContentNeeds.EightBit) != 0);
        Assert.InRange(message.Content.Length, 1, ReportWriter.MaxBytes);

        var parsed = Reports.Parse(message);
        Assert.All(parsed.Headers, field => Assert.Contains(field.Field, HeaderFields));
        Assert.Equal(parsed.Headers.Count, parsed.Headers.Select(field => field.Field).Distinct().Count());
        var parts = Assert.IsType<MultipartReport>(parsed.Body);
        Assert.Equal(3, parts.Count);
        Assert.Equal(report.Recipients.Length, message.Listed);
        Assert.Equal(report.Recipients.Length + 1, Groups(parts[1]).Count);
        Assert.All(Groups(parts[1]).Skip(1), group => Assert.Single(group, line => line.StartsWith("Action:", StringComparison.Ordinal)));
    }, iter: 500);

    [Fact]
    public async Task PythonReadsWhatMimeKitReads()
    {
        var python = DebianProgram.Require("python3", "python3");
        ReportMessage[] reports =
        [
            Reports.Write(Reports.Of(Reports.Unknown, Reports.Waiting) with { ReturnsFull = true }),
            Reports.Write(Reports.Of(Reports.Waiting)),
            Reports.Write(Reports.Of(Reports.Unknown with { Text = "Unbekannter Empfänger" }) with { SevenBit = true }, "Subject: Grüße\r\n\r\nx\r\n"),
            Reports.Write(
                Reports.Of(Reports.Waiting with { Action = DeliveryAction.Failed, IsExpired = true }) with
                { ReturnsFull = true, DeliverBy = Reports.Noon, FutureReleaseRequest = "for;600", ReportingMta = "mailhost" },
                "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
                "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n"),
        ];
        var output = await ExternalProgram.RunAsync(
            python, ["-c", Script, .. reports.Select(report => Convert.ToBase64String(report.Content.Span))], TestContext.Current.CancellationToken);
        Assert.Equal(
            """
            Your message could not be delivered | alice@example.test | auto-replied | 0 defects
            text/plain message/delivery-status message/rfc822
            8bit None None
            None mx.example.test; rfc822; bob@other.test failed 5.1.1; rfc822; carol@slow.test delayed 4.7.1
            Grüße
            Your message is delayed | alice@example.test | auto-replied | 0 defects
            text/plain message/delivery-status text/rfc822-headers
            8bit None None
            None mx.example.test; rfc822; carol@slow.test delayed 4.7.1
            Grüße
            Your message could not be delivered | alice@example.test | auto-replied | 0 defects
            text/plain message/delivery-status text/rfc822-headers
            None None None
            None mx.example.test; rfc822; bob@other.test failed 5.1.1
            smtp; 550 5.1.1 Unbekannter Empf\x{E4}nger
            Grüße
            Your message could not be delivered | alice@example.test | auto-replied | 0 defects
            text/plain message/delivery-status message/rfc822
            8bit Tue, 25 Nov 2025 12:00:00 +0000 for;600
            None mailhost; rfc822; carol@slow.test failed 5.4.7
            Grüße

            """.ReplaceLineEndings("\n").Trim(),
            output.Trim());
    }

    private const string Script =
        """
        import base64, email, email.policy, sys
        sys.stdout.reconfigure(encoding="utf-8")
        for argument in sys.argv[1:]:
            message = email.message_from_bytes(base64.b64decode(argument), policy=email.policy.default)
            human, status, returned = message.get_payload()
            defects = sum(len(part.defects) for part in message.walk())
            print(message["subject"], "|", message["to"].addresses[0].addr_spec, "|", message["auto-submitted"], "|", defects, "defects")
            print(human.get_content_type(), status.get_content_type(), returned.get_content_type())
            groups = status.get_payload()
            print(message["content-transfer-encoding"], groups[0]["deliver-by-date"], groups[0]["future-release-request"])
            print(groups[0]["original-envelope-id"], groups[0]["reporting-mta"].split(" ")[1], end="")
            for group in groups[1:]:
                print(";", group["final-recipient"], group["action"], group["status"], end="")
            print()
            if "\\x{" in groups[-1]["diagnostic-code"]:
                print(groups[-1]["diagnostic-code"])
            if returned.get_content_type() == "message/rfc822":
                original = returned.get_payload()[0]
            else:
                original = email.message_from_string(returned.get_content(), policy=email.policy.default)
            print(original["subject"])
            assert "answered" in human.get_content()
        """;

    /// <summary>Of both forms: MimeKit knows that of RFC 3464 only.</summary>
    private static List<string[]> Groups(MimeEntity part)
    {
        var content = new MemoryStream();
        Assert.IsType<MimePart>(part, exactMatch: false).Content!.DecodeTo(content, TestContext.Current.CancellationToken);
        return [.. Encoding.UTF8.GetString(content.ToArray()).Split("\r\n\r\n").Select(group => group.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))];
    }
}
