using System.Text;
using MailGrains.Messages.Conversion;
using MailGrains.Messages.Dsn;
using MimeKit;

namespace MailGrains.Messages.Tests.Dsn;

public sealed class ReportWriterTests
{
    [Fact]
    public void TheHeaderSaysWhoReportsToWhomAboutWhat()
    {
        var text = Reports.Text(Reports.Write(Reports.Of(Reports.Unknown)));
        Assert.StartsWith(
            "Date: Tue, 25 Nov 2025 12:00:00 +0000\r\n" +
            "From: Mail Delivery System <MAILER-DAEMON@example.test>\r\n" +
            "To: <alice@example.test>\r\n" +
            "Subject: Your message could not be delivered\r\n" +
            "Message-ID: <report-1@mx.example.test>\r\n" +
            "In-Reply-To: <one@example.test>\r\n" +
            "References: <one@example.test>\r\n" +
            "Auto-Submitted: auto-replied\r\n" +
            "MIME-Version: 1.0\r\n" +
            "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_",
            text, StringComparison.Ordinal);
    }

    [Fact]
    public void ProgramsReadWhatBecameOfEachRecipient()
    {
        var report = Reports.Of(
            Reports.Unknown with { OriginalRecipient = "rfc822;Sales@example.test", LogId = "4711" },
            Reports.Waiting) with
        { EnvelopeId = "QQ314159", ReceivedFrom = "client.example.test" };
        var fields = Reports.Fields(Reports.Write(report));
        Assert.Equal(
            [
                "Original-Envelope-Id: QQ314159", "Reporting-MTA: dns; mx.example.test", "Received-From-MTA: dns; client.example.test",
                "Arrival-Date: Tue, 25 Nov 2025 08:00:00 +0000",
            ],
            fields[0].Select(Line));
        Assert.Equal(
            [
                "Original-Recipient: rfc822; Sales@example.test", "Final-Recipient: rfc822; bob@other.test", "Action: failed", "Status: 5.1.1",
                "Remote-MTA: dns; mx.other.test", "Diagnostic-Code: smtp; 550 5.1.1 No such user here", "Last-Attempt-Date: Tue, 25 Nov 2025 11:59:00 +0000",
                "Final-Log-ID: 4711",
            ],
            fields[1].Select(Line));
        Assert.Equal(
            [
                "Final-Recipient: rfc822; carol@slow.test", "Action: delayed", "Status: 4.7.1", "Remote-MTA: dns; mx.slow.test",
                "Diagnostic-Code: smtp; 451 4.7.1 Greylisted, come back later", "Last-Attempt-Date: Tue, 25 Nov 2025 11:59:00 +0000",
                "Will-Retry-Until: Sun, 30 Nov 2025 12:00:00 +0000",
            ],
            fields[2].Select(Line));
        Assert.Equal(3, fields.Count);
    }

    [Theory]
    [InlineData(DeliveryAction.Failed, "5.1.1", 550, "failed", "5.1.1")]
    [InlineData(DeliveryAction.Failed, "4.4.1", 0, "failed", "4.4.1")]
    [InlineData(DeliveryAction.Failed, "5.1.1 x", 552, "failed", "5.2.2")]
    [InlineData(DeliveryAction.Failed, null, 550, "failed", "5.0.0")]
    [InlineData(DeliveryAction.Failed, "2.0.0", 250, "failed", "5.0.0")]
    [InlineData(DeliveryAction.Delayed, null, 0, "delayed", "4.0.0")]
    [InlineData(DeliveryAction.Delayed, "5.7.1", 550, "delayed", "4.7.1")]
    [InlineData(DeliveryAction.Delivered, "2.1.5", 250, "delivered", "2.1.5")]
    [InlineData(DeliveryAction.Relayed, "5.0.0", 0, "relayed", "2.0.0")]
    [InlineData(DeliveryAction.Expanded, "", 0, "expanded", "2.0.0")]
    public void TheStatusFitsTheAction(DeliveryAction action, string? status, int code, string word, string expected)
    {
        var fields = Reports.Fields(Reports.Write(Reports.Of(new ReportedRecipient("b@x.test", action, status) { Code = code })))[1];
        Assert.Equal(word, fields["Action"]);
        Assert.Equal(expected, fields["Status"]);
    }

    [Fact]
    public void WhatTheSenderAskedOfTimeStandsAfterTheArrival()
    {
        var report = Reports.Of(Reports.Unknown) with { DeliverBy = Reports.Noon.AddHours(1), FutureReleaseRequest = "until;2025-11-25T09:00:00Z" };
        Assert.Equal(
            [
                "Reporting-MTA: dns; mx.example.test", "Arrival-Date: Tue, 25 Nov 2025 08:00:00 +0000",
                "Deliver-By-Date: Tue, 25 Nov 2025 13:00:00 +0000", "Future-Release-Request: until;2025-11-25T09:00:00Z",
            ],
            Reports.Fields(Reports.Write(report))[0].Select(Line));
    }

    [Theory]
    [InlineData(DeliveryAction.Failed, "4.2.2", true, 0, "5.4.7")]
    [InlineData(DeliveryAction.Failed, "4.2.2", true, 1, "4.2.2")]
    [InlineData(DeliveryAction.Failed, "5.1.1", false, 0, "5.1.1")]
    [InlineData(DeliveryAction.Delayed, "4.2.2", false, -60, "4.4.7")]
    [InlineData(DeliveryAction.Delayed, "4.2.2", false, 60, "4.2.2")]
    [InlineData(DeliveryAction.Delivered, "2.1.5", false, -60, "2.1.5")]
    public void AStatusSaysThatTheTimeWhichTheSenderGaveIsOver(DeliveryAction action, string status, bool isExpired, int minutes, string expected)
    {
        var recipient = new ReportedRecipient("b@x.test", action, status) { IsExpired = isExpired, Text = "no" };
        var report = Reports.Of(recipient) with { DeliverBy = Reports.Noon.AddMinutes(minutes) };
        Assert.Equal(expected, Reports.Fields(Reports.Write(report))[1]["Status"]);
    }

    [Theory]
    [InlineData("mx.example.test", "dns; mx.example.test")]
    [InlineData("[192.0.2.1]", "dns; [192.0.2.1]")]
    [InlineData("192.0.2.1", "dns; [192.0.2.1]")]
    [InlineData("2001:DB8::1", "dns; [IPv6:2001:db8::1]")]
    [InlineData("mailhost", "x-local-hostname; mailhost")]
    [InlineData("1", "x-local-hostname; 1")]
    public void OnlyAFullNameIsOneOfDns(string host, string expected) =>
        Assert.Equal(expected, Reports.Fields(Reports.Write(Reports.Of(Reports.Unknown) with { ReportingMta = host }))[0]["Reporting-MTA"]);

    [Fact]
    public void WhatIsComparedKeepsItsSpacesAndStaysInOnePiece()
    {
        var address = $"{new string('a', 500)}@x.test";
        var report = Reports.Write(Reports.Of(Reports.Unknown with { Address = address }) with { EnvelopeId = $"Q  q {new string('i', 90)}" });
        Assert.Contains($"\r\nFinal-Recipient: rfc822;\r\n\t{address}\r\nAction: failed", Reports.Text(report), StringComparison.Ordinal);
        Assert.Contains($"\r\nOriginal-Envelope-Id:\r\n\tQ  q {new string('i', 90)}\r\n", Reports.Text(report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Subject: x\r\n\r\nGrüße\r\n", "no", false, true)]
    [InlineData("Subject: x\r\n\r\nx\r\n", "unbekannter Empfänger", false, true)]
    [InlineData("Subject: x\r\n\r\nGrüße\r\n", "unbekannter Empfänger", true, false)]
    [InlineData("Subject: x\r\n\r\nx\r\n", "no", false, false)]
    public void WhatHoldsAPartOfEightBitIsItself(string original, string text, bool sevenBit, bool isEightBit)
    {
        var report = Reports.Write(Reports.Of(Reports.Unknown with { Text = text }) with { ReturnsFull = true, SevenBit = sevenBit }, original);
        Assert.Equal(isEightBit, report.IsEightBit);
        var body = Assert.IsType<MultipartReport>(Reports.Parse(report).Body);
        Assert.Equal(isEightBit ? "8bit" : null, body.Headers[HeaderId.ContentTransferEncoding]);
    }

    [Fact]
    public void WhatWeFoundOurselvesIsNoSmtpReply()
    {
        var recipient = new ReportedRecipient("b@x.test", DeliveryAction.Failed, "5.4.4") { Text = "no such domain" };
        var fields = Reports.Fields(Reports.Write(Reports.Of(recipient)))[1];
        Assert.Equal("x-mailgrains; no such domain", fields["Diagnostic-Code"]);
        Assert.Null(fields["Remote-MTA"]);
    }

    [Fact]
    public void AFailureReturnsTheWholeMessageWhereItIsAskedFor()
    {
        var returned = Assert.IsType<MessagePart>(Reports.ReturnedPart(Reports.Write(Reports.Of(Reports.Unknown) with { ReturnsFull = true })));
        Assert.Equal("message/rfc822", returned.ContentType.MimeType);
        Assert.Equal("Hello Bob", returned.Message!.TextBody!.TrimEnd());
        Assert.Equal("Grüße", returned.Message.Subject);
    }

    [Fact]
    public void WithoutThatTheHeaderComesBack() => Assert.Equal(HeaderOf(Reports.Original), HeadersPart(Reports.Write(Reports.Of(Reports.Unknown))));

    [Fact]
    public void WithoutAFailureTheHeaderComesBack() => Assert.Equal(
        HeaderOf(Reports.Original),
        HeadersPart(Reports.Write(Reports.Of(Reports.Waiting, Reports.Unknown with { Action = DeliveryAction.Relayed }) with { ReturnsFull = true })));

    [Theory]
    [InlineData("long")]
    [InlineData("bare")]
    [InlineData("nul")]
    [InlineData("large")]
    public void AMessageThatCantBeReturnedAsItIsComesBackAsItsHeader(string kind)
    {
        var body = kind switch
        {
            "long" => new string('x', 999),
            "bare" => "a\rb",
            "nul" => "a\0b",
            _ => string.Concat(Enumerable.Repeat("0123456789\r\n", 6_000)),
        };
        var report = Reports.Write(Reports.Of(Reports.Unknown) with { ReturnsFull = true, SevenBit = true }, Reports.Original + body);
        Assert.Equal(HeaderOf(Reports.Original), HeadersPart(report));
        Assert.Equal(ContentNeeds.None, ContentScan.Of(report.Content.Span));
    }

    [Fact]
    public void EightBitComesBackAsItIsOrNotAtAll()
    {
        var report = Reports.Of(Reports.Unknown) with { ReturnsFull = true };
        var eightBit = Reports.Write(report, Reports.Original + "Grüße\r\n");
        Assert.True(eightBit.IsEightBit);
        Assert.False(eightBit.NeedsSmtpUtf8);
        Assert.Contains("Grüße", Reports.Text(eightBit), StringComparison.Ordinal);
        var sevenBit = Reports.Write(report with { SevenBit = true }, Reports.Original + "Grüße\r\n");
        Assert.False(sevenBit.IsEightBit);
        Assert.Equal(HeaderOf(Reports.Original), HeadersPart(sevenBit));
        Assert.Contains("Grüße", Reports.Human(sevenBit), StringComparison.Ordinal);
    }

    [Fact]
    public void AHeaderTooLongIsCutBetweenFields()
    {
        var fields = string.Concat(Enumerable.Range(0, 2_000).Select(i => $"X-Field-{i}: {i}\r\n\tfolded\r\n"));
        var part = HeadersPart(Reports.Write(Reports.Of(Reports.Unknown), fields + "\r\nbody"));
        Assert.InRange(part.Length, ReturnedMessage.MaxHeaderBytes - 100, ReturnedMessage.MaxHeaderBytes);
        Assert.EndsWith("\r\n\tfolded\r\n", part, StringComparison.Ordinal);
        Assert.StartsWith(part, fields, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStreamIsReadAsFarAsAReportHoldsIt()
    {
        var content = Encoding.UTF8.GetBytes(Reports.Original);
        await using var small = new Summaries.DrippingStream(content, 7);
        var report = Reports.Of(Reports.Unknown) with { ReturnsFull = true };
        var expected = Reports.Text(Reports.Write(report, "Received: x\r\n" + Reports.Original));
        var read = await ReturnedMessage.ReadAsync("Received: x\r\n"u8.ToArray(), small, TestContext.Current.CancellationToken);
        Assert.Equal(expected, Reports.Text(ReportWriter.Write(report, read)));
        await using var large = new Summaries.DrippingStream((byte[])[.. content, .. new byte[200_000]], 1_000) { FailsAt = 100_000 };
        Assert.Equal(
            HeaderOf(Reports.Original),
            HeadersPart(ReportWriter.Write(report, await ReturnedMessage.ReadAsync(default, large, TestContext.Current.CancellationToken))));
    }

    [Fact]
    public void MoreRecipientsThanAReportHoldsAreCounted()
    {
        var report = Reports.Write(Reports.Of([.. Enumerable.Range(0, 130).Select(i => Reports.Unknown with { Address = $"user{i}@other.test" })]));
        Assert.Equal(ReportWriter.MaxRecipients, report.Listed);
        Assert.Equal(ReportWriter.MaxRecipients + 1, Reports.Fields(report).Count);
        Assert.Contains("And 30 more recipients,", Reports.Human(report), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void NothingMakesAReportLargerThanItsBound(bool smtpUtf8, bool sevenBit)
    {
        var wide = string.Concat(Enumerable.Repeat("\U00020000", 600));
        var fields = string.Concat(Enumerable.Range(0, 2_000).Select(i => $"X-Field-{i}: {wide}\r\n"));
        var report = Reports.Of([.. Enumerable.Range(0, 1_000).Select(i => Reports.Unknown with
        {
            Address = i + wide,
            OriginalRecipient = "utf-8;" + i + wide,
            Text = i + wide,
            RemoteMta = i + wide,
            LogId = i + wide,
        })]) with
        { SmtpUtf8 = smtpUtf8, SevenBit = sevenBit, EnvelopeId = wide, ReceivedFrom = wide, ReturnsFull = true };
        var message = Reports.Write(report, fields + "\r\nbody");
        Assert.InRange(message.Content.Length, 1, ReportWriter.MaxBytes);
        Assert.InRange(message.Listed, 1, 99);
        Assert.Equal(sevenBit ? ContentNeeds.None : ContentNeeds.EightBit, ContentScan.Of(message.Content.Span));
    }

    [Fact]
    public void TheSameReportHasTheSameOctets() => Assert.Equal(
        Reports.Text(Reports.Write(Reports.Of(Reports.Unknown))), Reports.Text(Reports.Write(Reports.Of(Reports.Unknown))));

    [Fact]
    public void AnOriginalThatHoldsTheBoundaryGetsAnother()
    {
        var report = Reports.Of(Reports.Unknown) with { ReturnsFull = true };
        var boundary = Assert.IsType<MultipartReport>(Reports.Parse(Reports.Write(report)).Body).Boundary;
        var forged = Reports.Write(report, Reports.Original + $"\r\n--{boundary}--\r\n");
        Assert.NotEqual(boundary, Assert.IsType<MultipartReport>(Reports.Parse(forged).Body).Boundary);
        Assert.Contains(boundary!, Assert.IsType<MessagePart>(Reports.ReturnedPart(forged)).Message!.TextBody, StringComparison.Ordinal);
    }

    [Fact]
    public void NobodyIsToldOfAReport()
    {
        Assert.Throws<ArgumentException>(() => Reports.Write(Reports.Of(Reports.Unknown) with { To = "" }));
        Assert.Throws<ArgumentException>(() => Reports.Write(Reports.Of()));
    }

    private static string HeaderOf(string message) => message[..(message.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 2)];

    private static string HeadersPart(ReportMessage report)
    {
        var part = Assert.IsType<TextRfc822Headers>(Reports.ReturnedPart(report));
        Assert.Equal("text/rfc822-headers", part.ContentType.MimeType);
        using var content = new MemoryStream();
        part.Message!.Headers.WriteTo(new FormatOptions { NewLineFormat = NewLineFormat.Dos }, content, TestContext.Current.CancellationToken);
        var text = Encoding.UTF8.GetString(content.ToArray());
        return text.EndsWith("\r\n\r\n", StringComparison.Ordinal) ? text[..^2] : text;
    }

    private static string Line(Header field) => $"{field.Field}: {field.Value}";
}
