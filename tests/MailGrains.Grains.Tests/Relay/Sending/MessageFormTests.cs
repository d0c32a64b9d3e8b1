using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>Servers that take less than a message needs.</summary>
public sealed class MessageFormTests
{
    private const string Plain = "Subject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";

    [Fact]
    public async Task EightBitBodyIsEncodedForAServerWithoutIt()
    {
        var (report, server) = await SendAsync("PIPELINING SIZE", Plain + "with many grüße\r\n", m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        var mail = Assert.Single(server.Taken);
        Assert.StartsWith("Received: from here\r\nSubject: hello\r\n", mail.Content, StringComparison.Ordinal);
        Assert.EndsWith("with many gr=C3=BC=C3=9Fe\r\n", mail.Content, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Commands, command => command.Contains("BODY=", StringComparison.Ordinal));
        Assert.Contains(server.Commands, command => command.EndsWith($" SIZE={mail.Content.Length}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EightBitBodyGoesAsItIsWhereItMay()
    {
        var (_, server) = await SendAsync("8BITMIME", Plain + "grüße\r\n", m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Contains(server.Commands, command => command.EndsWith(" BODY=8BITMIME", StringComparison.Ordinal));
        Assert.EndsWith("gr\u00c3\u00bc\u00c3\u009fe\r\n", Assert.Single(server.Taken).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatOnlySaysThatItNeedsItGoesAsItIs()
    {
        var (report, server) = await SendAsync("", Plain + "plain\r\n", m => m with { Needs = MessageNeeds.EightBitMime | MessageNeeds.BinaryMime });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        Assert.EndsWith("8bit\r\n\r\nplain\r\n", Assert.Single(server.Taken).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignedMessageThatCanNotBeConvertedFails()
    {
        const string Signed = "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol=\"a/b\"; micalg=x\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ngrüße\r\n--b\r\n\r\nx\r\n--b--\r\n";

        var (report, server) = await SendAsync("", Signed, m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Equal((OutcomeKind.Failed, "5.6.3"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task InternationalizedDomainsGoAsALabelsToAServerWithoutSmtpUtf8()
    {
        var (report, server) = await SendAsync(
            "8BITMIME", Plain + "plain\r\n",
            m => m with { Needs = MessageNeeds.SmtpUtf8, ReversePath = "ann@bücher.test", Recipients = [m.Recipients[0] with { ForwardPath = "bob@straße.test" }] });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        var mail = Assert.Single(server.Taken);
        Assert.Equal(("ann@xn--bcher-kva.test", "bob@xn--strae-oqa.test"), (mail.From, mail.To[0]));
    }

    [Theory]
    [InlineData("Subject: grüße\r\n\r\nhi\r\n", "bob@there.test")]
    [InlineData("Subject: hi\r\n\r\nhi\r\n", "böb@there.test")]
    public async Task InternationalizedHeaderOrLocalpartFailsThere(string content, string recipient)
    {
        var (report, server) = await SendAsync(
            "8BITMIME", content, m => m with { Needs = MessageNeeds.SmtpUtf8 | MessageNeeds.EightBitMime, Recipients = [m.Recipients[0] with { ForwardPath = recipient }] });

        Assert.Equal((OutcomeKind.Failed, 550, "5.6.7"), (report.Outcomes[0].Kind, report.Outcomes[0].Code, report.Outcomes[0].Enhanced));
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task InternationalizedMessageGoesToAServerThatTakesIt()
    {
        var (_, server) = await SendAsync(
            "8BITMIME SMTPUTF8", "Subject: grüße\r\n\r\nhi\r\n", m => m with { Needs = MessageNeeds.SmtpUtf8 | MessageNeeds.EightBitMime });

        Assert.Contains(server.Commands, command => command.Contains(" SMTPUTF8", StringComparison.Ordinal));
        Assert.Single(server.Taken);
    }

    private static async Task<(RelayReport Report, MailServer Server)> SendAsync(string extensions, string content, Func<QueuedMessage, QueuedMessage> change)
    {
        await using var server = new MailServer { Extensions = extensions };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        return (await harness.SendAsync(queue, queue.Message(content, change)), server);
    }
}
