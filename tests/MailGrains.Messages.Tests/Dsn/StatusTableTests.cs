using MailGrains.Messages.Dsn;

namespace MailGrains.Messages.Tests.Dsn;

public sealed class StatusTableTests
{
    [Theory]
    [InlineData(550, "5.1.1", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.1.2", StatusClass.Dns)]
    [InlineData(553, "5.1.3", StatusClass.MailboxUnknown)]
    [InlineData(551, "5.1.6", StatusClass.MailboxUnknown)]
    [InlineData(553, "5.1.7", StatusClass.Policy)]
    [InlineData(450, "4.1.8", StatusClass.Policy)]
    [InlineData(556, "5.1.10", StatusClass.Dns)]
    [InlineData(550, "5.2.1", StatusClass.MailboxDisabled)]
    [InlineData(452, "4.2.2", StatusClass.MailboxFull)]
    [InlineData(552, "5.2.3", StatusClass.MessageTooLarge)]
    [InlineData(452, "4.3.1", StatusClass.System)]
    [InlineData(421, "4.3.2", StatusClass.System)]
    [InlineData(554, "5.3.3", StatusClass.Content)]
    [InlineData(552, "5.3.4", StatusClass.MessageTooLarge)]
    [InlineData(554, "5.3.5", StatusClass.Routing)]
    [InlineData(0, "4.4.1", StatusClass.Network)]
    [InlineData(0, "4.4.2", StatusClass.Network)]
    [InlineData(0, "4.4.3", StatusClass.Dns)]
    [InlineData(0, "5.4.4", StatusClass.Dns)]
    [InlineData(554, "5.4.6", StatusClass.Routing)]
    [InlineData(0, "4.4.7", StatusClass.Expired)]
    [InlineData(0, "5.4.7", StatusClass.Expired)]
    [InlineData(550, "5.4.300", StatusClass.Expired)]
    [InlineData(550, "5.4.14", StatusClass.Routing)]
    [InlineData(450, "4.4.312", StatusClass.Dns)]
    [InlineData(450, "4.4.316", StatusClass.Network)]
    [InlineData(452, "4.5.3", StatusClass.Policy)]
    [InlineData(503, "5.5.1", StatusClass.System)]
    [InlineData(554, "5.6.0", StatusClass.Content)]
    [InlineData(550, "5.6.3", StatusClass.Content)]
    [InlineData(553, "5.6.7", StatusClass.Content)]
    [InlineData(554, "5.6.9", StatusClass.Content)]
    [InlineData(550, "5.6.11", StatusClass.Content)]
    [InlineData(550, "5.7.1", StatusClass.Policy)]
    [InlineData(550, "5.7.2", StatusClass.Policy)]
    [InlineData(530, "5.7.10", StatusClass.Tls)]
    [InlineData(525, "5.7.13", StatusClass.MailboxDisabled)]
    [InlineData(550, "5.7.17", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.7.20", StatusClass.Authentication)]
    [InlineData(550, "5.7.23", StatusClass.Authentication)]
    [InlineData(550, "5.7.25", StatusClass.Authentication)]
    [InlineData(550, "5.7.26", StatusClass.Authentication)]
    [InlineData(421, "4.7.28", StatusClass.Reputation)]
    [InlineData(550, "5.7.29", StatusClass.Authentication)]
    [InlineData(550, "5.7.30", StatusClass.Tls)]
    [InlineData(550, "5.7.31", StatusClass.Authentication)]
    [InlineData(421, "4.7.32", StatusClass.Authentication)]
    [InlineData(550, "5.7.40", StatusClass.Authentication)]
    [InlineData(550, "5.7.41", StatusClass.Policy)]
    [InlineData(550, "5.7.124", StatusClass.Policy)]
    [InlineData(450, "4.7.321", StatusClass.Tls)]
    [InlineData(550, "5.7.325", StatusClass.Tls)]
    [InlineData(550, "5.7.499", StatusClass.Policy)]
    [InlineData(451, "4.7.500", StatusClass.Reputation)]
    [InlineData(550, "5.7.504", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.7.509", StatusClass.Authentication)]
    [InlineData(550, "5.7.511", StatusClass.Reputation)]
    [InlineData(550, "5.7.512", StatusClass.Content)]
    [InlineData(550, "5.7.515", StatusClass.Authentication)]
    [InlineData(550, "5.7.606", StatusClass.Reputation)]
    [InlineData(550, "5.7.708", StatusClass.Reputation)]
    [InlineData(451, "4.7.850", StatusClass.Reputation)]
    [InlineData(550, "5.7.999", StatusClass.Reputation)]
    [InlineData(550, "5.1.90", StatusClass.Policy)]
    [InlineData(450, "4.2.121", StatusClass.Policy)]
    [InlineData(550, "5.9.9", StatusClass.Other)]
    [InlineData(250, "2.0.0", StatusClass.Other)]
    public void AnEnhancedCodeDecides(int code, string status, StatusClass expected) => Assert.Equal(expected, StatusTable.Classify(code, status, "no"));

    [Theory]
    [InlineData(421, StatusClass.System, "4.3.2")]
    [InlineData(450, StatusClass.Other, "4.2.0")]
    [InlineData(451, StatusClass.System, "4.3.0")]
    [InlineData(452, StatusClass.System, "4.3.1")]
    [InlineData(530, StatusClass.Policy, "5.7.0")]
    [InlineData(538, StatusClass.Tls, "5.7.11")]
    [InlineData(550, StatusClass.Other, "5.0.0")]
    [InlineData(551, StatusClass.MailboxUnknown, "5.1.6")]
    [InlineData(552, StatusClass.MailboxFull, "5.2.2")]
    [InlineData(553, StatusClass.MailboxUnknown, "5.1.3")]
    [InlineData(554, StatusClass.Other, "5.0.0")]
    [InlineData(556, StatusClass.Dns, "5.1.10")]
    [InlineData(499, StatusClass.Other, "4.0.0")]
    [InlineData(599, StatusClass.Other, "5.0.0")]
    [InlineData(250, StatusClass.Other, "2.0.0")]
    [InlineData(0, StatusClass.Other, "4.0.0")]
    public void WithoutOneTheCodeDoes(int code, StatusClass expected, string status)
    {
        Assert.Equal(expected, StatusTable.Classify(code, null, "no"));
        Assert.Equal(expected, StatusTable.Classify(code, "5.0.0", "no"));
        Assert.Equal(expected, StatusTable.Classify(code, "nonsense", "no"));
        Assert.Equal(status, StatusTable.StatusOf(code).ToString());
    }

    [Theory]
    [InlineData(550, null, "<x@y.test>: Recipient address rejected: User unknown in local table", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.0.0", "The account does not exist", StatusClass.MailboxUnknown)]
    [InlineData(450, null, "Mailbox full", StatusClass.MailboxFull)]
    [InlineData(554, null, "Service unavailable; Client host [192.0.2.1] blocked using zen.example.test", StatusClass.Reputation)]
    [InlineData(554, "5.7.1", "poor reputation of 192.0.2.1", StatusClass.Reputation)]
    [InlineData(550, "5.7.1", "SPF check failed", StatusClass.Authentication)]
    [InlineData(550, "5.7.1", "message rejected as spam", StatusClass.Content)]
    [InlineData(554, "5.7.1", "Message from spam@x.test refused", StatusClass.Policy)]
    [InlineData(554, "5.7.1", "<virus@spf.test>: refused, see https://dmarc.test/spam and rbl.x.test", StatusClass.Policy)]
    [InlineData(554, "5.7.1", "<x@spamhaus.org>: refused", StatusClass.Policy)]
    [InlineData(554, "5.7.1", "Refused, see https://www.spamhaus.org/query/ip/192.0.2.1", StatusClass.Reputation)]
    [InlineData(554, null, "<x@y.test>: no such user, nothing to do with zen.spamhaus.org", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.7.1", "Unauthenticated email from x.test is not accepted due to domain's DMARC policy.", StatusClass.Authentication)]
    [InlineData(550, "5.7.1", "Rejected: SPF/DKIM.", StatusClass.Authentication)]
    [InlineData(530, null, "Must issue a STARTTLS command first", StatusClass.Tls)]
    [InlineData(450, "4.7.1", "<x@y.test>: Recipient address rejected: Greylisted, see http://postgrey.test/help", StatusClass.Greylisted)]
    [InlineData(451, null, "greylisting in action", StatusClass.Greylisted)]
    [InlineData(554, "5.7.1", "<x@y.test>: Relay access denied", StatusClass.Routing)]
    [InlineData(554, "5.7.1", "<x@y.test>: Recipient address rejected: Access denied", StatusClass.Policy)]
    [InlineData(550, "5.4.1", "Recipient address rejected: Access denied. [a.test 2026-01-01T00:00:00Z]", StatusClass.MailboxUnknown)]
    [InlineData(550, "5.4.1", "Relay Access Denied", StatusClass.Routing)]
    [InlineData(451, "4.4.1", "Recipient address rejected: Access denied", StatusClass.Network)]
    [InlineData(550, "5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", StatusClass.MailboxUnknown)]
    [InlineData(556, "5.1.10", "Recipient address has null MX", StatusClass.Dns)]
    [InlineData(550, "5.7.30", "DKIM authentication didn't pass", StatusClass.Authentication)]
    [InlineData(550, "5.7.30", "REQUIRETLS support required", StatusClass.Tls)]
    [InlineData(421, "4.7.29", "This message was not sent over a TLS connection", StatusClass.Tls)]
    [InlineData(552, null, "Message size exceeds fixed limit", StatusClass.MessageTooLarge)]
    [InlineData(452, null, "over quota", StatusClass.MailboxFull)]
    [InlineData(550, "5.2.0", "This account has been suspended", StatusClass.MailboxDisabled)]
    [InlineData(550, "5.5.0", "Requested action not taken: mailbox unavailable", StatusClass.MailboxUnknown)]
    [InlineData(550, null, "Requested action not taken: mailbox unavailable, SPF check failed", StatusClass.Authentication)]
    [InlineData(550, null, "Daily sending quota exceeded", StatusClass.Policy)]
    [InlineData(550, "5.7.1", "antispammer", StatusClass.Policy)]
    [InlineData(550, "5.7.1", "spfx dkim-less", StatusClass.Authentication)]
    [InlineData(550, "5.1.1", "blocked using a list", StatusClass.MailboxUnknown)]
    [InlineData(452, "4.2.2", "user unknown", StatusClass.MailboxFull)]
    public void TextDecidesOnlyWhereCodesSayNothing(int code, string? status, string text, StatusClass expected) =>
        Assert.Equal(expected, StatusTable.Classify(code, status, text));

    [Fact]
    public void WordsCountNearTheBeginningOnly()
    {
        Assert.Equal(StatusClass.Content, StatusTable.Classify(550, null, new string('x', 900) + " spam"));
        Assert.Equal(StatusClass.Other, StatusTable.Classify(550, null, new string('x', 1_000) + " spam"));
        Assert.Equal(StatusClass.Other, StatusTable.Classify(550, null, string.Concat(Enumerable.Repeat("spam@", 100_000))));
    }

    [Fact]
    public void EachClassHasAnAdviceOfItsOwn()
    {
        var advices = Enum.GetValues<StatusClass>().Select(StatusTable.Advice).ToArray();
        Assert.Equal(advices.Length, advices.Distinct().Count());
        Assert.Equal(StatusTable.Advice(StatusClass.Other), StatusTable.Advice((StatusClass)99));
    }

    [Theory]
    [InlineData("5.1.1", true)]
    [InlineData("2.999.999", true)]
    [InlineData("3.1.1", false)]
    [InlineData("5.1", false)]
    [InlineData("5.1.1.1", false)]
    [InlineData("5.1.1000", false)]
    [InlineData("5.-1.1", false)]
    [InlineData(" 5.1.1", false)]
    [InlineData("", false)]
    public void OnlyThreeNumbersAreAStatus(string text, bool isStatus) => Assert.Equal(isStatus ? text : null, DeliveryStatus.Parse(text)?.ToString());
}
