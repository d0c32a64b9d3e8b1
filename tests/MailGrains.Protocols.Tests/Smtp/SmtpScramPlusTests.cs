using System.Security.Cryptography.X509Certificates;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;
using MailKit.Net.Smtp;
using MailKit.Security;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>A client library that we did not write binds its login to the TLS channel, over STARTTLS.</summary>
public sealed class SmtpScramPlusTests
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("SCRAM-SHA-256-PLUS", "secret", true)]
    [InlineData("SCRAM-SHA-1-PLUS", "secret", true)]
    [InlineData("SCRAM-SHA-256", "secret", true)]
    [InlineData("SCRAM-SHA-256-PLUS", "wrong", false)]
    public async Task MailKitLogsInOverStartTls(string name, string password, bool isRight)
    {
        var fixture = new SmtpFixture();
        var backend = new InMemorySmtpBackend(fixture.Store);
        var connection = new SmtpConnection { Certificates = _ => TestCertificate.Server, Accounts = new InMemorySaslBackend(fixture.Store) };
        var session = new SmtpServerSession(fixture.Options, backend, TimeProvider.System, connection);
        var wire = new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        using var client = new SmtpClient { ServerCertificateValidationCallback = (_, certificate, _, _) => certificate is X509Certificate2 };
        await client.ConnectAsync(new DuplexStream(wire.Transport), "mx.example.test", 587, SecureSocketOptions.StartTls, _cancellation);
        Assert.Contains(name, client.AuthenticationMechanisms);
        SaslMechanismScramBase mechanism = name switch
        {
            "SCRAM-SHA-256-PLUS" => new SaslMechanismScramSha256Plus(SmtpFixture.Alice, password),
            "SCRAM-SHA-1-PLUS" => new SaslMechanismScramSha1Plus(SmtpFixture.Alice, password),
            _ => new SaslMechanismScramSha256(SmtpFixture.Alice, password),
        };
        if (!isRight)
        {
            await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(mechanism, _cancellation));
            Assert.Null(backend.Login);
            return;
        }

        await client.AuthenticateAsync(mechanism, _cancellation);
        Assert.Equal(name.EndsWith("PLUS", StringComparison.Ordinal), mechanism.NegotiatedChannelBinding);
        await client.DisconnectAsync(true, _cancellation);
        Assert.Equal(SessionEnd.Quit, await wire.Session);
        Assert.Equal(SmtpFixture.Alice, backend.Login!.Name);
    }
}
