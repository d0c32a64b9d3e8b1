using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpSessionTests
{
    private readonly SmtpFixture _fixture = new();

    [Fact]
    public async Task MessageIsKeptAsItCameWithDotsUnstuffed()
    {
        var client = await _fixture.BeginDataAsync();
        var reply = await client.AskAsync("Subject: x\r\n\r\nline\r\n..dot\r\n...\r\n.");
        Assert.Equal("250 2.0.0 OK", reply);
        Assert.Equal("221 2.0.0 Bye", await client.AskAsync("QUIT"));
        Assert.Equal(SessionEnd.Quit, await client.Session);
        Assert.Equal(["Subject: x\r\n\r\nline\r\n.dot\r\n..\r\n"], _fixture.MessagesOf(SmtpFixture.Alice));
    }
}
