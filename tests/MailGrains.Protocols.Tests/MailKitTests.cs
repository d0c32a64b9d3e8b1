using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Pop3;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;
using MailKit;
using MailKit.Net.Pop3;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace MailGrains.Protocols.Tests;

/// <summary>A client library that we did not write sends and reads.</summary>
public sealed class MailKitTests
{
    private readonly InMemoryMailStore _store = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public MailKitTests() => _store.AddMailbox("alice", "example.test", "secret");

    [Fact]
    public async Task MessageGoesThroughBothProtocolsOctetForOctet()
    {
        var message = MessageOf("sender@elsewhere.test", ".leading dot\r\n..two\r\n.\r\n" + string.Concat(Enumerable.Repeat("0123456789 \r\n", 10_000)));
        using var smtp = new SmtpClient();
        var (smtpSession, smtpStream) = OpenSmtp();
        await smtp.ConnectAsync(smtpStream, "mx.example.test", 25, SecureSocketOptions.None, _cancellation);
        Assert.True(smtp.Capabilities.HasFlag(SmtpCapabilities.Pipelining | SmtpCapabilities.Size | SmtpCapabilities.EightBitMime
            | SmtpCapabilities.EnhancedStatusCodes | SmtpCapabilities.UTF8));
        await smtp.SendAsync(message, _cancellation);
        await smtp.SendAsync(MessageOf("müller@elsewhere.test", "second\r\n"), _cancellation);
        await smtp.DisconnectAsync(true, _cancellation);
        Assert.Equal(SessionEnd.Quit, await smtpSession);

        using var pop3 = new Pop3Client();
        var (pop3Session, pop3Stream) = OpenPop3();
        await pop3.ConnectAsync(pop3Stream, "pop.example.test", 110, SecureSocketOptions.None, _cancellation);
        Assert.True(pop3.Capabilities.HasFlag(Pop3Capabilities.UTF8 | Pop3Capabilities.Lang | Pop3Capabilities.Pipelining | Pop3Capabilities.Sasl));
        await pop3.EnableUTF8Async(_cancellation);
        Assert.Equal("en", Assert.Single(await pop3.GetLanguagesAsync(_cancellation)).Language);
        await pop3.AuthenticateAsync("alice@example.test", "secret", _cancellation);
        Assert.Equal(2, pop3.Count);
        Assert.Equal(["m1", "m2"], await pop3.GetMessageUidsAsync(_cancellation));

        using var received = new MemoryStream();
        await (await pop3.GetStreamAsync(0, false, _cancellation)).CopyToAsync(received, _cancellation);
        Assert.Equal(_store.MessagesOf("alice@example.test")[0].Content.ToArray(), received.ToArray());
        Assert.Equal(received.Length, await pop3.GetMessageSizeAsync(0, _cancellation));
        Assert.Equal("second", (await pop3.GetMessageAsync(1, _cancellation)).TextBody?.Trim());
        Assert.Equal("Grüße", (await pop3.GetMessageHeadersAsync(1, _cancellation))[HeaderId.Subject]);
        await pop3.DeleteMessageAsync(0, _cancellation);
        await pop3.DisconnectAsync(true, _cancellation);
        Assert.Equal(SessionEnd.Quit, await pop3Session);
        Assert.Equal("m2", Assert.Single(_store.MessagesOf("alice@example.test")).UniqueId);
    }

    [Fact]
    public async Task WrongPasswordIsAnAuthenticationError()
    {
        using var pop3 = new Pop3Client();
        var (_, stream) = OpenPop3();
        await pop3.ConnectAsync(stream, "pop.example.test", 110, SecureSocketOptions.None, _cancellation);
        await Assert.ThrowsAsync<AuthenticationException>(() => pop3.AuthenticateAsync("alice@example.test", "wrong", _cancellation));
    }

    [Fact]
    public async Task UnknownRecipientIsNamedByTheClient()
    {
        using var smtp = new SmtpClient();
        var (_, stream) = OpenSmtp();
        await smtp.ConnectAsync(stream, "mx.example.test", 25, SecureSocketOptions.None, _cancellation);
        var message = MessageOf("sender@elsewhere.test", "x\r\n");
        message.To.Add(new MailboxAddress("", "nobody@example.test"));
        var failure = await Assert.ThrowsAsync<SmtpCommandException>(() => smtp.SendAsync(message, _cancellation));
        Assert.Equal((SmtpErrorCode.RecipientNotAccepted, "nobody@example.test"), (failure.ErrorCode, failure.Mailbox!.Address));
        Assert.Empty(_store.MessagesOf("alice@example.test"));
    }

    private static MimeMessage MessageOf(string sender, string text)
    {
        var message = new MimeMessage { Subject = "Grüße", Body = new TextPart("plain") { Text = text } };
        message.From.Add(new MailboxAddress("", sender));
        message.To.Add(new MailboxAddress("", "alice@example.test"));
        return message;
    }

    private (Task<SessionEnd> Session, Stream Stream) OpenSmtp()
    {
        var session = new SmtpServerSession(new() { HostName = "mx.example.test" }, new InMemorySmtpBackend(_store), TimeProvider.System);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        return (client.Session, new DuplexStream(client.Transport));
    }

    private (Task<SessionEnd> Session, Stream Stream) OpenPop3()
    {
        var options = new Pop3ServerOptions { HostName = "pop.example.test", FailedLoginDelay = TimeSpan.Zero };
        var session = new Pop3ServerSession(options, new InMemoryPop3Backend(_store), new InMemorySaslBackend(_store), Pop3Fixture.ClearText, TimeProvider.System);
        var client = new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        return (client.Session, new DuplexStream(client.Transport));
    }
}
