using System.Net;
using MailKit.Net.Pop3;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace MailGrains.EndToEnd.Tests.Interop;

/// <summary>MailKit, with every mechanism that it has, against both ways of submission.</summary>
public sealed class MailKitClientTests(InteropHost interop) : IClassFixture<InteropHost>
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public static TheoryData<string> Mechanisms => ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN"];

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task EveryMechanismLogsInAndSends(string mechanism)
    {
        using var client = new SmtpClient();
        Trust(client);
        await client.ConnectAsync("localhost", interop.Host.Submission.Port, SecureSocketOptions.StartTls, _cancellation);
        Assert.Contains(mechanism, client.AuthenticationMechanisms);
        await client.AuthenticateAsync(MechanismOf(mechanism, InteropHost.Password), _cancellation);
        await client.SendAsync(MessageOf($"mailkit {mechanism}"), _cancellation);
        await client.DisconnectAsync(true, _cancellation);
        Assert.Contains("ESMTPSA", await interop.ReceivedAsync($"mailkit {mechanism}", _cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task WrongPasswordIsRefusedByEveryMechanism(string mechanism)
    {
        using var client = new SmtpClient();
        Trust(client);
        await client.ConnectAsync("localhost", interop.Host.Submissions.Port, SecureSocketOptions.SslOnConnect, _cancellation);
        await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(MechanismOf(mechanism, "wrong password"), _cancellation));
    }

    [Fact]
    public async Task LargeMessageComesInChunks()
    {
        using var client = new SmtpClient();
        Trust(client);
        await client.ConnectAsync("localhost", interop.Host.Submissions.Port, SecureSocketOptions.SslOnConnect, _cancellation);
        Assert.True(client.Capabilities.HasFlag(SmtpCapabilities.Chunking));
        await client.AuthenticateAsync(new NetworkCredential(InteropHost.User, InteropHost.Password), _cancellation);
        var message = MessageOf("mailkit chunks");
        message.Body = new TextPart("plain") { Text = string.Concat(Enumerable.Repeat("A line of a large message.\r\n.\r\n", 20_000)) };
        await client.SendAsync(message, _cancellation);
        Assert.Contains("large message.\r\n.\r\nA line", await interop.ReceivedAsync("mailkit chunks", _cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task MailIsReadUnderTls(bool implicitTls)
    {
        using var client = new Pop3Client();
        client.ServerCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == interop.Certificate.Thumbprint;
        var (port, options) = implicitTls
            ? (interop.Host.Pop3s.Port, SecureSocketOptions.SslOnConnect)
            : (interop.Host.Pop3.Port, SecureSocketOptions.StartTls);
        await client.ConnectAsync("localhost", port, options, _cancellation);
        await client.AuthenticateAsync(MechanismOf("SCRAM-SHA-256-PLUS", InteropHost.Password), _cancellation);
        Assert.True(client.Count >= 0);
    }

    private static SaslMechanism MechanismOf(string name, string password)
    {
        var credentials = new NetworkCredential(InteropHost.User, password);
        return name switch
        {
            "SCRAM-SHA-256-PLUS" => new SaslMechanismScramSha256Plus(credentials),
            "SCRAM-SHA-256" => new SaslMechanismScramSha256(credentials),
            "SCRAM-SHA-1-PLUS" => new SaslMechanismScramSha1Plus(credentials),
            "SCRAM-SHA-1" => new SaslMechanismScramSha1(credentials),
            "PLAIN" => new SaslMechanismPlain(credentials),
            _ => new SaslMechanismLogin(credentials),
        };
    }

    private static MimeMessage MessageOf(string subject)
    {
        var message = new MimeMessage { Subject = subject, Body = new TextPart("plain") { Text = "A message.\r\n" } };
        message.From.Add(new MailboxAddress("Ann", InteropHost.User));
        message.To.Add(new MailboxAddress("Bob", InteropHost.Friend));
        return message;
    }

    private void Trust(SmtpClient client) =>
        client.ServerCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == interop.Certificate.Thumbprint;
}
