using System.Text;
using MailGrains.Messages.Conversion;
using MailGrains.Messages.Dsn;
using MimeKit;

namespace MailGrains.Messages.Tests.Dsn;

/// <summary>Addresses and texts beyond US-ASCII (RFC 6533).</summary>
public sealed class ReportUtf8Tests
{
    private const string Original = "From: jörg@example.test\r\nSubject: Grüße\r\nMessage-ID: <één@example.test>\r\n\r\nHallo\r\n";

    private static readonly DeliveryReport Report = Reports.Of(Reports.Unknown with
    {
        Address = "jürgen+x@other.test",
        OriginalRecipient = "utf-8;würfel=a\\b c@example.test",
        Text = "Unbekannter Empfänger",
    }) with
    { To = "jörg@example.test", SmtpUtf8 = true };

    [Fact]
    public void WhereTheSenderReadsUtf8AllOfItIs()
    {
        var report = Reports.Write(Report, Original);
        Assert.True(report.NeedsSmtpUtf8);
        Assert.True(report.IsEightBit);
        var text = Reports.Text(report);
        Assert.Contains("\r\nTo: <jörg@example.test>\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nIn-Reply-To: <één@example.test>\r\n", text, StringComparison.Ordinal);
        Assert.Contains(
            "\r\nContent-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n\r\nReporting-MTA: ", text, StringComparison.Ordinal);
        Assert.Contains("\r\nOriginal-Recipient: utf-8; würfel=a\\b c@example.test\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nFinal-Recipient: utf-8; jürgen+x@other.test\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nDiagnostic-Code: smtp; 550 5.1.1 Unbekannter Empfänger\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: message/global-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: jörg", text, StringComparison.Ordinal);
        Assert.Contains("    jürgen+x@other.test (sent to würfel=a\\b c@example.test)\n", Reports.Human(report), StringComparison.Ordinal);
    }

    [Fact]
    public void TheWholeMessageIsMessageGlobalThen()
    {
        var text = Reports.Text(Reports.Write(Report with { ReturnsFull = true }, Original));
        Assert.Contains($"\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{Original}\r\n--", text, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatNeedsNoUtf8IsWrittenForEveryReader()
    {
        var report = Reports.Write(Reports.Of(Reports.Unknown) with { SmtpUtf8 = true, ReturnsFull = true });
        Assert.False(report.NeedsSmtpUtf8);
        Assert.Single(Reports.Fields(report), group => group.Contains("Final-Recipient"));
        Assert.Equal("message/rfc822", Reports.ReturnedPart(report).ContentType.MimeType);
    }

    [Fact]
    public void ElseAddressesAreEmbeddedAndTheHeaderIsEncoded()
    {
        var report = Reports.Write(Report with { SmtpUtf8 = false, SevenBit = true, To = "alice@example.test", ReturnsFull = true }, Original);
        Assert.False(report.IsEightBit);
        Assert.Equal(ContentNeeds.None, ContentScan.Of(report.Content.Span));
        var recipient = Reports.Fields(report)[1];
        Assert.Equal("utf-8; w\\x{FC}rfel\\x{3D}a\\x{5C}b\\x{20}c@example.test", recipient["Original-Recipient"]);
        Assert.Equal("utf-8; j\\x{FC}rgen\\x{2B}x@other.test", recipient["Final-Recipient"]);
        Assert.Equal("smtp; 550 5.1.1 Unbekannter Empf\\x{E4}nger", recipient["Diagnostic-Code"]);
        Assert.Contains("    550 5.1.1 Unbekannter Empfänger\n", Reports.Human(report), StringComparison.Ordinal);
        var returned = Reports.ReturnedPart(report).ContentType;
        Assert.Equal(("text/rfc822-headers", "utf-8"), (returned.MimeType, returned.Charset));
        Assert.Contains("\r\nSubject: Gr=C3=BC=C3=9Fe\r\n", Reports.Text(report), StringComparison.Ordinal);
        Assert.Null(Reports.Parse(report).InReplyTo);
    }

    [Theory]
    [InlineData("rfc822;a@b.test", "rfc822; a@b.test")]
    [InlineData("RFC822;\"a b\"@b.test", "RFC822; \"a b\"@b.test")]
    [InlineData("x400;/C=de/S=x/", "x400; /C=de/S=x/")]
    [InlineData("utf-8;a@b.test", "utf-8; a@b.test")]
    [InlineData("utf-8;\U0001F600@b.test", "utf-8; \\x{1F600}@b.test")]
    [InlineData("rfc822;ü@b.test", "rfc822; \\x{FC}@b.test")]
    [InlineData("rfc822;\"a  b\"@b.test", "rfc822; \"a  b\"@b.test")]
    [InlineData("rfc822;", null)]
    [InlineData("a@b.test", null)]
    [InlineData("x y;a@b.test", null)]
    [InlineData("rfc822;a\r\nAction: delivered", "rfc822; a??Action: delivered")]
    public void OriginalRecipientsKeepTheirType(string original, string? expected) => Assert.Equal(
        expected, Reports.Fields(Reports.Write(Reports.Of(Reports.Unknown with { OriginalRecipient = original })))[1]["Original-Recipient"]);

    [Theory]
    [InlineData("Empfänger unbekannt", @"Empf\x{E4}nger unbekannt")]
    [InlineData("用户 \U0001F600", @"\x{7528}\x{6237} \x{1F600}")]
    [InlineData(@"ACME\bob: C:\x {é", @"ACME\bob: C:\x {\x{E9}")]
    [InlineData(@"\x{E4} ä", @"\x{5C}x{E4} \x{E4}")]
    public void WhereNoUtf8MayStandTextsAreEmbeddedWithoutLoss(string text, string expected) => Assert.Equal(
        $"smtp; 550 5.1.1 {expected}", Reports.Fields(Reports.Write(Reports.Of(Reports.Unknown with { Text = text })))[1]["Diagnostic-Code"]);

    [Fact]
    public void AnEmbeddedTextIsCutBetweenTwoCharacters()
    {
        var report = Reports.Write(Reports.Of(Reports.Unknown with { Text = new string('用', 500), Address = "bob@other.test" }) with { SevenBit = true });
        var diagnostic = Reports.Fields(report)[1]["Diagnostic-Code"]!;
        Assert.StartsWith("smtp; 550 5.1.1\t" + @"\x{7528}\x{7528}", diagnostic, StringComparison.Ordinal);
        Assert.EndsWith(@"\x{7528}", diagnostic, StringComparison.Ordinal);
        Assert.InRange(diagnostic.Length, 880, 906);
        Assert.Single(diagnostic, c => c == '\t');
    }

    [Fact]
    public void AnOriginalsIdIsNoReasonToNeedSmtpUtf8OnTheWayBack()
    {
        var report = Reports.Write(Report with { To = "alice@example.test" }, Original);
        Assert.False(report.NeedsSmtpUtf8);
        Assert.True(report.IsEightBit);
        Assert.Null(Reports.Parse(report).InReplyTo);
    }
}
