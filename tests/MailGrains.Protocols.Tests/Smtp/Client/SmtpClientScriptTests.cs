using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Dialogues, word for word.</summary>
public sealed class SmtpClientScriptTests : SmtpClientDialogue
{
    [Fact]
    public async Task ServerThatWantsContentForNobodyGetsALoneDot()
    {
        await PlayAsync(Pipelining + Mail + """
            C: RCPT TO:<a@example.test>
            C: DATA
            S: 250 ok
            S: 550 5.1.1 no
            S: 354 go ahead
            C: .
            S: 250 kept
            C: RSET
            C: MAIL FROM:<sender@elsewhere.test>
            C: RCPT TO:<b@example.test>
            C: DATA
            S: 250 ok
            S: 250 ok
            S: 250 ok
            S: 354 go
            C: x
            C: .
            S: 250 kept
            """, async connection =>
        {
            await ExpectAsync(connection, "550 5.1.1 no", "a@example.test");
            await ExpectAsync(connection, "250 kept", "b@example.test");
        });
    }

    [Fact]
    public async Task ContentGoesToThoseThatWereAccepted()
    {
        await PlayAsync(Pipelining + Mail + """
            C: RCPT TO:<a@example.test>
            C: RCPT TO:<b@example.test>
            C: RCPT TO:<c@example.test>
            C: DATA
            S: 250 2.1.0 ok
            S: 550 5.1.1 no
            S: 251 will forward
            S: 450 4.2.1 later
            S: 354 go
            C: x
            C: .
            S: 250 2.0.0 kept as 1
            """, connection => ExpectAsync(
                connection, "550 5.1.1 no|250 2.0.0 kept as 1|450 4.2.1 later", "a@example.test", "b@example.test", "c@example.test"));
    }

    [Fact]
    public async Task RefusedSenderIsEachRecipientsResult()
    {
        await PlayAsync(Pipelining + Mail + """
            C: RCPT TO:<a@example.test>
            C: RCPT TO:<b@example.test>
            C: DATA
            S: 553 5.1.8 who are you
            S: 503 5.5.1 need MAIL
            S: 503 5.5.1 need MAIL
            S: 503 5.5.1 need MAIL
            """, async connection =>
        {
            var result = await ExpectAsync(connection, "553 5.1.8 who are you|553 5.1.8 who are you", "a@example.test", "b@example.test");
            Assert.All(result.Recipients, recipient => Assert.Equal(SmtpStage.Mail, recipient.Stage));
            Assert.True(connection.IsUsable);
        });
    }

    [Fact]
    public async Task StepByStepNothingIsSaidAhead()
    {
        await PlayAsync(Plain + Mail + """
            S: 550 no
            C: RSET
            S: 250 ok
            C: MAIL FROM:<sender@elsewhere.test>
            S: 250 ok
            C: RCPT TO:<b@example.test>
            S: 550 no
            C: RSET
            S: 250 ok
            C: MAIL FROM:<sender@elsewhere.test>
            S: 250 ok
            C: RCPT TO:<c@example.test>
            S: 250 ok
            C: DATA
            S: 451 later
            """, async connection =>
        {
            await ExpectAsync(connection, "550 no", "a@example.test");
            await ExpectAsync(connection, "550 no", "b@example.test");
            Assert.Equal(SmtpStage.Data, (await ExpectAsync(connection, "451 later", "c@example.test")).Recipients[0].Stage);
            Assert.True(connection.IsUsable);
        });
    }

    [Fact]
    public async Task ServerThatDoesNotResetIsLeft()
    {
        await PlayAsync(Plain + Mail + """
            S: 550 no
            C: RSET
            S: 500 what
            """, async connection =>
        {
            await ExpectAsync(connection, "550 no", "a@example.test");
            var result = await SendAsync(connection, "b@example.test");
            Assert.Equal((SmtpVerdict.Temporary, SmtpCause.BadReply), (result.Recipients[0].Verdict, result.Recipients[0].Cause));
            Assert.False(connection.IsUsable);
        });
    }

    [Fact]
    public async Task Reply421KeepsWhatWasRefusedBefore()
    {
        await PlayAsync(Plain + Mail + """
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 550 5.1.1 no
            C: RCPT TO:<b@example.test>
            S: 250 ok
            C: RCPT TO:<c@example.test>
            S: 421 4.3.2 going down
            X:
            """, async connection =>
        {
            var result = await ExpectAsync(
                connection, "550 5.1.1 no|421 4.3.2 going down|421 4.3.2 going down|421 4.3.2 going down",
                "a@example.test", "b@example.test", "c@example.test", "d@example.test");
            Assert.Equal(
                [SmtpVerdict.Permanent, SmtpVerdict.Temporary, SmtpVerdict.Temporary, SmtpVerdict.Temporary], result.Recipients.Select(recipient => recipient.Verdict));
            Assert.False(result.Uncertain);
        });
    }

    [Fact]
    public async Task RecipientsThatFindNoRoomMayGoAtOnce()
    {
        await PlayAsync(Plain + Mail + """
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 552 5.5.3 too many
            C: RCPT TO:<b@example.test>
            S: 250 ok
            C: RCPT TO:<c@example.test>
            S: 452 too many
            C: RCPT TO:<d@example.test>
            S: 552 5.2.2 full
            C: DATA
            S: 354 go
            C: x
            C: .
            S: 250 kept
            """, async connection =>
        {
            var result = await ExpectAsync(
                connection, "552 5.5.3 too many|250 kept|452 too many|552 5.2.2 full", "a@example.test", "b@example.test", "c@example.test", "d@example.test");
            Assert.Equal([false, false, true, false], result.Recipients.Select(recipient => recipient.MayGoAtOnce));
            Assert.Equal(
                [SmtpVerdict.Temporary, SmtpVerdict.Accepted, SmtpVerdict.Temporary, SmtpVerdict.Temporary], result.Recipients.Select(recipient => recipient.Verdict));
        });
    }

    [Fact]
    public async Task AnswerThatIsThereBeforeTheEndIsNone()
    {
        await PlayAsync(Plain + Mail + """
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            S: 250 kept
            """, async connection =>
        {
            var result = await SendAsync(connection, "a@example.test");
            Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Data, SmtpCause.BadReply), Of(result));
            Assert.False(result.Uncertain);
        });
    }

    [Theory]
    [InlineData("552 5.3.4 too big", SmtpVerdict.Permanent)]
    [InlineData("451 4.3.0 disk", SmtpVerdict.Temporary)]
    [InlineData("421 4.3.2 bye", SmtpVerdict.Temporary)]
    public async Task RefusalThatIsThereBeforeTheEndIsTheAnswer(string reply, SmtpVerdict verdict)
    {
        await PlayAsync(Plain + Mail + $"""
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            S: {reply}
            """, async connection =>
        {
            var result = await ExpectAsync(connection, reply, "a@example.test");
            Assert.Equal((verdict, SmtpStage.Data, SmtpCause.Reply), Of(result));
            Assert.False(connection.IsUsable);
        });
    }

    [Fact]
    public async Task ServerThatRefusesAndHangsUpInTheContentIsHeard()
    {
        var pipes = new PipePair();
        var script = new ScriptedServer(pipes.Server, Plain + Mail + """
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            C: A: b
            S: 552 5.3.4 too big
            X:
            """);
        await using var connection = new SmtpClientConnection(pipes.Client, new() { HelloName = "client.example" }, Time, TestContext.Current.CancellationToken);
        await connection.OpenAsync();
        var body = new byte[10 << 20];
        body.AsSpan().Fill((byte)'x');
        var content = new OutgoingContent("A: b\r\n\r\n"u8.ToArray(), body.Length, _ => new(new MemoryStream(body)));
        var result = await connection.SendAsync(SmtpClientFixture.Mail("", "a@example.test") with { Content = content });
        Assert.Equal("552 5.3.4 too big", result.Recipients[0].Text);
        Assert.Equal((SmtpVerdict.Permanent, SmtpStage.Data, SmtpCause.Reply), Of(result));
        await script.Finished;
    }

    [Theory]
    [InlineData("S: 421 4.4.2 idle", SmtpCause.Reply)]
    [InlineData("S: 421 4.4.2 idle\nX:", SmtpCause.Reply)]
    [InlineData("X:", SmtpCause.ConnectionLost)]
    [InlineData("S: 250 ok", SmtpCause.BadReply)]
    [InlineData("S: 550 no", SmtpCause.Reply)]
    [InlineData("S: 250-endless", SmtpCause.TimedOut)]
    public async Task WhatComesBetweenMailsSaysNothingOfTheNext(string unasked, SmtpCause cause)
    {
        await PlayAsync(Plain + "C: NOOP\nS: 250 ok\n" + unasked, async connection =>
        {
            Assert.True((await connection.NoopAsync()).IsAccepted);
            var sending = SendAsync(connection, "a@example.test");
            Time.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Mail, cause), Of(await sending));
            Assert.Equal(0, connection.Mails);
            Assert.False(connection.IsUsable);
        });
    }

    [Fact]
    public async Task LimitsOfTheServerAreHeeded()
    {
        await PlayAsync("""
            S: 220 mx
            C: EHLO client.example
            S: 250-mx
            S: 250 LIMITS MAILMAX=1 RCPTMAX=1 RCPTDOMAINMAX=1
            C: MAIL FROM:<sender@elsewhere.test>
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            C: x
            C: .
            S: 250 kept
            C: QUIT
            S: 221 bye
            """, async connection =>
        {
            Assert.True(connection.IsUsable);
            var result = await ExpectAsync(connection, "250 kept|not asked", "a@example.test", "b@example.test");
            Assert.True(result.Recipients[1].MayGoAtOnce);
            Assert.False(connection.IsUsable);
            await connection.QuitAsync();
        });
    }

    [Fact]
    public async Task MailWithoutRecipientsIsNotBegun()
    {
        await PlayAsync(Plain, async connection => Assert.Empty((await SendAsync(connection)).Recipients));
    }
}
