using System.Text;
using MailGrains.Messages.Automatic;

namespace MailGrains.Messages.Tests.Automatic;

public sealed class AutomaticMailTests
{
    [Theory]
    [InlineData("Subject: hello", AutomaticSigns.None)]
    [InlineData("Auto-Submitted: no", AutomaticSigns.None)]
    [InlineData("Auto-Submitted: No (a person)", AutomaticSigns.None)]
    [InlineData("AUTO-SUBMITTED: auto-replied; x=y", AutomaticSigns.AutoSubmitted)]
    [InlineData("Auto-Submitted:|  auto-generated", AutomaticSigns.AutoSubmitted)]
    [InlineData("Auto-Submitted:|  no", AutomaticSigns.None)]
    [InlineData("Auto-Submitted:", AutomaticSigns.AutoSubmitted)]
    [InlineData("Precedence: bulk", AutomaticSigns.Bulk)]
    [InlineData("Precedence: Junk", AutomaticSigns.Bulk)]
    [InlineData("Precedence: first-class", AutomaticSigns.None)]
    [InlineData("List-Id: Friends <friends.example.test>", AutomaticSigns.List)]
    [InlineData("List-Unsubscribe: <mailto:x@example.test>", AutomaticSigns.List)]
    [InlineData("X-Auto-Response-Suppress: OOF, AutoReply", AutomaticSigns.Suppressed)]
    [InlineData("X-Auto-Response-Suppress: None", AutomaticSigns.None)]
    [InlineData("Subject: x|\tPrecedence: bulk", AutomaticSigns.None)]
    [InlineData("Subject: x||Precedence: bulk", AutomaticSigns.None)]
    [InlineData("Precedence: list|List-Id: <x.test>|Auto-Submitted: auto-generated", AutomaticSigns.Bulk | AutomaticSigns.List | AutomaticSigns.AutoSubmitted)]
    [InlineData("no header at all", AutomaticSigns.None)]
    [InlineData("", AutomaticSigns.None)]
    public void FieldsShowIt(string header, AutomaticSigns expected)
    {
        Assert.Equal(expected, AutomaticMail.SignsOf("alice@example.test", Summaries.Mail.Bytes(header + "|")));
        Assert.Equal(expected, AutomaticMail.SignsOf("alice@example.test", Encoding.UTF8.GetBytes(header.Replace('|', '\n'))));
    }

    [Theory]
    [InlineData("", AutomaticSigns.NullReversePath)]
    [InlineData("MAILER-DAEMON@example.test", AutomaticSigns.SystemSender)]
    [InlineData("mailer-daemon", AutomaticSigns.SystemSender)]
    [InlineData("owner-friends@example.test", AutomaticSigns.SystemSender)]
    [InlineData("friends-request@example.test", AutomaticSigns.SystemSender)]
    [InlineData("noreply@example.test", AutomaticSigns.SystemSender)]
    [InlineData("daemon@example.test", AutomaticSigns.None)]
    [InlineData("requester@example.test", AutomaticSigns.None)]
    public void SoDoesTheReversePath(string reversePath, AutomaticSigns expected) =>
        Assert.Equal(expected, AutomaticMail.SignsOf(reversePath, "Subject: x\r\n"u8));
}
