using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace MailGrains.EndToEnd.Tests.Interop;

/// <summary>Postfix hands mail over on port 25, as most servers of the world do.</summary>
public sealed class PostfixRelayTests(InteropHost interop) : IClassFixture<InteropHost>
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("none", "", "with ESMTP id")]
    [InlineData("tls", "smtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1\nsmtp_tls_CAfile = {0}", "with ESMTPS id")]
    public async Task PostfixHandsOverMail(string kind, string settings, string protocol)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Postfix needs root.");
        using var folder = new DataFolder();
        await using var relay = await PostfixRelay.StartAsync(
            folder.Path, interop.Host.Smtp, settings.Replace("{0}", interop.Certificate.CertificatePath, StringComparison.Ordinal), _cancellation);
        await SendAsync(relay, $"postfix {kind} plain", "somebody@elsewhere.test");
        await SendAsync(relay, $"postfix {kind} grüße", "jürgen@elsewhere.test");
        Assert.Contains(protocol, await ArrivalAsync(relay, $"postfix {kind} plain"), StringComparison.Ordinal);
        Assert.Contains("with UTF8SMTP", await ArrivalAsync(relay, $"postfix {kind} grüße"), StringComparison.Ordinal);
    }

    private async Task SendAsync(PostfixRelay relay, string subject, string sender)
    {
        using var client = new SmtpClient();
        await client.ConnectAsync("127.0.0.1", relay.Smtp.Port, SecureSocketOptions.None, _cancellation);
        var message = new MimeMessage { Subject = subject, Body = new TextPart("plain") { Text = "Grüße\r\n.\r\n..\r\n" } };
        message.From.Add(new MailboxAddress("", sender));
        message.To.Add(new MailboxAddress("", InteropHost.Friend));
        var options = FormatOptions.Default.Clone();
        options.International = !sender.All(char.IsAscii);
        await client.SendAsync(options, message, _cancellation);
        await client.DisconnectAsync(true, _cancellation);
    }

    /// <summary>Postfix says in its log when the message has been taken.</summary>
    private async Task<string> ArrivalAsync(PostfixRelay relay, string subject)
    {
        for (var due = DateTime.UtcNow.AddSeconds(30); ;)
        {
            try
            {
                return await interop.ReceivedAsync(subject, _cancellation);
            }
            catch (Xunit.Sdk.SingleException) when (DateTime.UtcNow < due)
            {
                await Task.Delay(50, _cancellation);
            }
            catch (Xunit.Sdk.SingleException)
            {
                Assert.Fail(await File.ReadAllTextAsync(relay.Log, _cancellation));
            }
        }
    }
}
