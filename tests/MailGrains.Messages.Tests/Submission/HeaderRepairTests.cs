using System.Text;
using MailGrains.Messages.Submission;

namespace MailGrains.Messages.Tests.Submission;

public sealed class HeaderRepairTests
{
    private const string Whole = "From: a@b.test\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-Id: <1@b.test>\r\nSubject: x\r\n\r\n";

    [Fact]
    public void WhatIsWholeStaysAsItIsWithoutACopy()
    {
        var section = Encoding.UTF8.GetBytes(Whole);
        var header = HeaderRepair.Run(section, Submitted.Terms);
        Assert.Equal(HeaderFault.None, header.Fault);
        Assert.False(header.IsChanged);
        Assert.True(header.HadMessageId);
        Assert.True(header.Repaired.Span == section.AsSpan());
    }

    [Theory]
    [InlineData("From: a@b.test\r\n\r\n", "From: a@b.test\r\n" + Submitted.Added + "\r\n")]
    [InlineData("From: a@b.test\r\n", "From: a@b.test\r\n" + Submitted.Added)]
    [InlineData("From: a@b.test", "From: a@b.test\r\n" + Submitted.Added)]
    [InlineData("From: a@b.test\r\nDate: \r\n \r\nmessage-ID:\r\n\r\n", "From: a@b.test\r\n" + Submitted.Added + "\r\n")]
    [InlineData("From: a@b.test\r\nBcc: c@d.test", "From: a@b.test\r\n" + Submitted.Added)]
    public void MissingDateAndMessageIdAreAddedAtTheEnd(string section, string repaired)
    {
        var header = Submitted.Repair(section);
        Assert.Equal(repaired, Submitted.Text(header));
        Assert.True(header.IsChanged);
        Assert.False(header.HadMessageId);
    }

    [Theory]
    [InlineData("Bcc: c@d.test\r\n")]
    [InlineData("BCC: c@d.test,\r\n\te@f.test,\r\n g@h.test\r\n")]
    [InlineData("bcc:\r\n")]
    [InlineData("Resent-Bcc:\r\n c@d.test\r\n")]
    [InlineData("Return-Path: <c@d.test>\r\n")]
    [InlineData("Bcc: c@d.test\r\nBcc: c@d.test\r\n \r\n")]
    public void BlindCopiesAndReturnPathGoWithAllTheirLines(string field)
    {
        Assert.Equal(Whole, Submitted.Text(Submitted.Repair(field + Whole)));
        Assert.Equal(Whole, Submitted.Text(Submitted.Repair(Whole.Replace("Subject", field + "Subject", StringComparison.Ordinal))));
        Assert.Equal(Whole, Submitted.Text(Submitted.Repair(Whole[..^2] + field + "\r\n")));
    }

    [Theory]
    [InlineData("Received: from x\r\n")]
    [InlineData("X-Bcc: c@d.test\r\n")]
    [InlineData("Apparently-To: c@d.test\r\n")]
    [InlineData("Subject: Bcc: no\r\n Bcc: neither\r\n")]
    public void OtherFieldsStay(string field) => Assert.Equal(field + Whole, Submitted.Text(Submitted.Repair(field + Whole)));

    [Fact]
    public void FoldedLinesOfWhiteSpaceAloneGo() => Assert.Equal(
        Whole.Replace("x\r\n", "x\r\n y\r\n", StringComparison.Ordinal),
        Submitted.Text(Submitted.Repair(Whole.Replace("x\r\n", "x\r\n \r\n y\r\n\t \r\n", StringComparison.Ordinal))));

    [Theory]
    [InlineData("hello\r\n\r\n")]
    [InlineData(" From: a@b.test\r\n\r\n")]
    [InlineData("From : a@b.test\r\n\r\n")]
    [InlineData("From a@b.test Thu Jan  1 00:00:00 1970\r\nFrom: a@b.test\r\n\r\n")]
    [InlineData("From: a@b.test\r\nno field\r\n\r\n")]
    [InlineData("From: a@b.test\r\n: nothing\r\n\r\n")]
    [InlineData("Fr\tom: a@b.test\r\n\r\n")]
    public void LinesThatAreNoFieldAreRefused(string section) => Assert.Equal(HeaderFault.MalformedField, Submitted.Repair(section).Fault);

    [Theory]
    [InlineData("From: a@b.test\rFrom: c@d.test\r\n\r\n")]
    [InlineData("From: a@b.test\nFrom: c@d.test\r\n\r\n")]
    [InlineData("Subject: x\n\nFrom: c@d.test\r\nFrom: a@b.test\r\n\r\n")]
    [InlineData("From: a@b.test\r\nSubject: x\0\r\n\r\n")]
    [InlineData("From: a@b.test\r")]
    [InlineData("From: \"a\u0001\" <a@b.test>\r\n\r\n")]
    [InlineData("From: a@b.test \u007f\r\n\r\n")]
    [InlineData("From: =?utf-8?b?YQBi?= <a@b.test>\r\n\r\n")]
    [InlineData("From: =?utf-8?q?ceo=40corp.test=0A?= <a@b.test>\r\n\r\n")]
    public void ControlCharactersAreRefused(string section) => Assert.Equal(HeaderFault.ControlCharacter, Submitted.Repair(section).Fault);

    [Theory]
    [InlineData("", "From")]
    [InlineData("\r\n", "From")]
    [InlineData("Subject: x\r\n\r\n", "From")]
    [InlineData("From: \r\n\r\n", "From")]
    [InlineData("From: nobody:;\r\n\r\n", "From")]
    [InlineData("Sender: a@b.test\r\n\r\n", "From")]
    [InlineData("Resent-From: a@b.test\r\n\r\n", "From")]
    [InlineData("\r\nFrom: a@b.test\r\n\r\n", "From")]
    public void AMessageWithoutAnAuthorIsRefused(string section, string field)
    {
        var header = Submitted.Repair(section);
        Assert.Equal((HeaderFault.NoFrom, field), (header.Fault, header.FaultyField));
    }

    [Theory]
    [InlineData("From: a@b.test\r\nFrom: a@b.test\r\n\r\n", HeaderFault.RepeatedField, "From")]
    [InlineData("From: a@b.test\r\nSubject: x\r\nfrom:\r\n\tc@d.test\r\n\r\n", HeaderFault.RepeatedField, "From")]
    [InlineData("From: a@b.test\r\nSender: a@b.test\r\nSENDER: c@d.test\r\n\r\n", HeaderFault.RepeatedField, "Sender")]
    [InlineData("From: a@b.test, c@d.test\r\n\r\n", HeaderFault.NoSender, "Sender")]
    [InlineData("From: a@b.test\r\nSender: a@b.test, c@d.test\r\n\r\n", HeaderFault.UnclearAddress, "Sender")]
    [InlineData("From: a@b.test\r\nSender: \r\n\r\n", HeaderFault.UnclearAddress, "Sender")]
    [InlineData("From: a@b.test\r\nResent-From: b\r\n\r\n", HeaderFault.UnclearAddress, "Resent-From")]
    public void SendersThatBreakTheStandardAreRefused(string section, HeaderFault fault, string field)
    {
        var header = Submitted.Repair(section);
        Assert.Equal((fault, field), (header.Fault, header.FaultyField));
    }

    [Fact]
    public void EverybodyWhoIsSaidToHaveSentItIsNamed() => Assert.Equal(
        [new("Resent-From", "r", "s.test"), new("Sender", "c", "d.test"), new("From", "a", "b.test"), new("From", "c", "d.test"), new("Resent-Sender", "t", "u.test")],
        Submitted.Repair("resent-from: r@s.test\r\nSender: C <c@d.test>\r\nFrom: a@b.test,\r\n c@d.test\r\nResent-Sender: t@u.test\r\n\r\n").Senders);

    [Fact]
    public void TheNumberOfSendersIsBounded()
    {
        var most = string.Join(", ", Enumerable.Range(0, HeaderRepair.MaxSenders - 1).Select(i => $"a{i}@b.test"));
        Assert.Equal(HeaderFault.None, Submitted.Repair($"From: {most}\r\nSender: a@b.test\r\n\r\n").Fault);
        Assert.Equal(HeaderFault.TooManySenders, Submitted.Repair($"From: {most}, c@d.test\r\nSender: a@b.test\r\n\r\n").Fault);
    }

    [Fact]
    public void TextBeyondAsciiNeedsSmtpUtf8()
    {
        var section = Whole.Replace(": x", ": Grüße", StringComparison.Ordinal);
        Assert.Equal(HeaderFault.NeedsSmtpUtf8, Submitted.Repair(section).Fault);
        Assert.Equal(section, Submitted.Text(Submitted.Repair(section, smtpUtf8: true)));
        Assert.Equal(HeaderFault.NotUtf8, HeaderRepair.Run(Encoding.Latin1.GetBytes(section), Submitted.Terms with { SmtpUtf8 = true }).Fault);
    }

    [Theory]
    [InlineData("", -1)]
    [InlineData("\r\n", 2)]
    [InlineData("a: b\r\n", -1)]
    [InlineData("a: b\r\n\r", -1)]
    [InlineData("a: b\r\n\r\n", 8)]
    [InlineData("a: b\r\n\r\n\r\n\r\n", 8)]
    [InlineData("a: b\n\n\r\n", -1)]
    public void TheSectionEndsWithTheFirstEmptyLine(string content, int end) =>
        Assert.Equal(end, HeaderRepair.EndOfSection(Encoding.ASCII.GetBytes(content)));
}
