using MailGrains.Messages.Dsn;

namespace MailGrains.Messages.Tests.Dsn;

/// <summary>What people read in a report, word for word.</summary>
public sealed class ReportTextTests
{
    [Fact]
    public void ARefusalIsToldInTheServersWordsWithWhatToDo() => Assert.Equal(
        """
        This is the mail server mx.example.test. It has news of a message of yours:

            Subject: Grüße
            Received here: Tue, 25 Nov 2025 08:00:00 +0000

        It could not be delivered to this recipient, and will not be tried again:

            bob@other.test

        The server mx.other.test answered:

            550 5.1.1 No such user here

        There seems to be no such mailbox. Check the address for typing errors, or
        ask the recipient for the right one.

        Below are the same report for programs, and your message or its header. A
        program wrote this: please do not answer it.

        """.ReplaceLineEndings("\n"),
        Human(Reports.Unknown).TrimEnd() + "\n");

    [Fact]
    public void ADelayAsksForNothing() => Assert.Equal(
        """
        It could not be delivered to this recipient yet:

            carol@slow.test

        The server mx.slow.test answered:

            451 4.7.1 Greylisted, come back later

        You need not do anything. It will be tried again until Sun, 30 Nov 2025
        12:00:00 +0000, and you will be told if it fails.
        """.ReplaceLineEndings("\n"),
        Middle(Reports.Waiting));

    [Fact]
    public void AMessageWhoseTimeIsOverSaysSo() => Assert.Equal(
        """
        It could not be delivered to this recipient, and will not be tried again:

            carol@slow.test

        It was tried again and again, until its time was over.

        The server mx.slow.test answered at last:

            452 4.2.2 Mailbox full

        The mailbox is full. Tell the recipient in another way, and send the message
        again later.
        """.ReplaceLineEndings("\n"),
        Middle(Reports.Waiting with { Action = DeliveryAction.Failed, IsExpired = true, Code = 452, Status = "4.2.2", Text = "Mailbox full" }));

    [Fact]
    public void WhatWasGivenUpForItsTimeAloneIsToldSo() => Assert.Equal(
        """
        It could not be delivered to this recipient, and will not be tried again:

            carol@slow.test

        It was tried again and again, until its time was over.

        What went wrong:

            mx.slow.test: 4.4.1 no answer

        The recipient's server did not take it in the time that there was. Send the
        message again, or reach the recipient in another way.
        """.ReplaceLineEndings("\n"),
        Middle(new ReportedRecipient("carol@slow.test", DeliveryAction.Failed, "5.4.7") { IsExpired = true, Text = "mx.slow.test: 4.4.1 no answer" }));

    [Fact]
    public void WhatExpiredWithoutAStatusIsToldSoToo() => Assert.Contains(
        StatusTable.Advice(StatusClass.Expired),
        Middle(new ReportedRecipient("carol@slow.test", DeliveryAction.Failed, null) { IsExpired = true }).Replace('\n', ' '),
        StringComparison.Ordinal);

    [Fact]
    public void TheTimeThatTheSenderGaveIsNamed() => Assert.Contains(
        "\n    Received here: Tue, 25 Nov 2025 08:00:00 +0000\n    To be delivered by: Tue, 25 Nov 2025 11:30:00 +0000\n\n",
        Reports.Human(Reports.Write(Reports.Of(Reports.Waiting) with { DeliverBy = Reports.Noon.AddMinutes(-30) })),
        StringComparison.Ordinal);

    [Fact]
    public void AFaultThatNoServerTalkedOfIsTold() => Assert.Equal(
        """
        It could not be delivered to this recipient, and will not be tried again:

            bob@other.test

        What went wrong:

            the domain does not exist

        The domain of the address has no server for mail, or none that could be
        found. Check what stands after the @ for typing errors.
        """.ReplaceLineEndings("\n"),
        Middle(new ReportedRecipient("bob@other.test", DeliveryAction.Failed, "5.1.2") { Text = "the domain does not exist" }));

    [Fact]
    public void RecipientsOfTheSameFateStandTogetherAndFailuresComeFirst() => Assert.Equal(
        """
        It could not be delivered to these recipients, and will not be tried again:

            bob@other.test
            dave@other.test (sent to staff@example.test)

        The server mx.other.test answered:

            550 5.1.1 No such user here

        There seems to be no such mailbox. Check the address for typing errors, or
        ask the recipient for the right one.

        It was passed on to the server of this recipient, which does not report
        whether it was delivered:

            erin@old.test

        It was delivered to this address, which passes it on to others. You will not
        hear what becomes of it there:

            list@example.test

        It was delivered to this recipient:

            frank@example.test
        """.ReplaceLineEndings("\n"),
        Middle(
            new ReportedRecipient("frank@example.test", DeliveryAction.Delivered, "2.1.5"),
            new ReportedRecipient("list@example.test", DeliveryAction.Expanded, "2.1.5"),
            Reports.Unknown,
            new ReportedRecipient("erin@old.test", DeliveryAction.Relayed, "2.1.5") { RemoteMta = "mx.old.test", Code = 250, Text = "OK" },
            Reports.Unknown with { Address = "dave@other.test", OriginalRecipient = "rfc822;staff@example.test" }));

    [Theory]
    [InlineData(DeliveryAction.Failed, "Your message could not be delivered")]
    [InlineData(DeliveryAction.Delayed, "Your message is delayed")]
    [InlineData(DeliveryAction.Relayed, "Your message was passed on")]
    [InlineData(DeliveryAction.Expanded, "Your message was delivered to a list")]
    [InlineData(DeliveryAction.Delivered, "Your message was delivered")]
    public void TheSubjectSaysTheWorst(DeliveryAction action, string subject)
    {
        Assert.Equal(subject, Reports.Parse(Reports.Write(Reports.Of(Reports.Unknown with { Action = action }))).Subject);
        Assert.Equal(
            action == DeliveryAction.Failed ? subject : "Your message could not be delivered",
            Reports.Parse(Reports.Write(Reports.Of(Reports.Unknown with { Action = action }, Reports.Unknown))).Subject);
    }

    [Fact]
    public void WhatAServerSaysStaysAQuotation()
    {
        var text = Middle(Reports.Unknown with
        {
            Text = "gone\r\n\r\nDear user,\nclick \u202Ehere\0 " + new string('x', 2_000),
            RemoteMta = "mx\r\nX: y",
            Address = "bob@other.test\r\n\r\nTo: x",
            OriginalRecipient = "rfc822;a\nb",
        });
        Assert.Contains("\n    bob@other.test????To: x (sent to a?b)\n", text, StringComparison.Ordinal);
        Assert.Contains("\nThe server mx??X: y answered:\n\n    550 5.1.1 gone????Dear user,?click ?here?\n    xxx", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 600));
    }

    private static string Human(params ReportedRecipient[] recipients) => Reports.Human(Reports.Write(Reports.Of([.. recipients])));

    private static string Middle(params ReportedRecipient[] recipients)
    {
        var text = Human(recipients);
        var start = text.IndexOf("It ", text.IndexOf("Received here", StringComparison.Ordinal), StringComparison.Ordinal);
        return text[start..text.LastIndexOf("\n\nBelow are", StringComparison.Ordinal)];
    }
}
