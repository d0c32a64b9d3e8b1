using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tests.Sasl;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;
using MailKit.Net.Pop3;
using MailKit.Security;

namespace MailGrains.Protocols.Tests.Pop3;

/// <summary>AUTH of several steps, and a client library that we did not write.</summary>
public sealed class Pop3LoginTests
{
    private readonly Pop3Fixture _fixture = new();
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public static TheoryData<string> Mechanisms() => ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"];

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task MailKitLogsInWithTheRightSecretOnly(string name)
    {
        _fixture.Store.AddToken(Pop3Fixture.Alice, "right-token");
        _fixture.Deliver("Subject: x\r\n\r\n");
        var isToken = name.Contains("AUTH", StringComparison.Ordinal);
        foreach (var (secret, isRight) in new[] { ("wrong", false), (isToken ? "right-token" : "secret word", true) })
        {
            using var client = new Pop3Client();
            var session = new Pop3ServerSession(
                new() { HostName = "pop.example.test", FailedLoginDelay = TimeSpan.Zero }, new InMemoryPop3Backend(_fixture.Store),
                new InMemorySaslBackend(_fixture.Store), Pop3Fixture.ClearText, TimeProvider.System);
            var wire = new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
            await client.ConnectAsync(new DuplexStream(wire.Transport), "pop.example.test", 110, SecureSocketOptions.None, _cancellation);
            Assert.Contains(name, client.AuthenticationMechanisms);
            if (!isRight)
            {
                // Over POP3 this client takes the challenge that explains a refused token for the end.
                var failure = await Assert.ThrowsAnyAsync<Exception>(() => client.AuthenticateAsync(MechanismOf(name, secret), _cancellation));
                Assert.IsType(isToken ? typeof(Pop3ProtocolException) : typeof(AuthenticationException), failure);
                continue;
            }

            await client.AuthenticateAsync(MechanismOf(name, secret), _cancellation);
            Assert.Equal(1, client.Count);
            await client.DisconnectAsync(true, _cancellation);
            Assert.Equal(SessionEnd.Quit, await wire.Session);
        }
    }

    [Fact]
    public async Task LongestTokenFitsIntoALine()
    {
        var token = new string('t', 8 << 10);
        var user = new string('u', 242) + "@example.test";
        _fixture.Store.AddMailbox(user[..242], "example.test", "secret");
        _fixture.Store.AddToken(user, token);
        var response = Convert.ToBase64String(SaslScript.Utf8($"n,a={user},\u0001host={new string('h', 255)}\u0001port=65535\u0001auth=Bearer {token}\u0001\u0001"));
        var client = await _fixture.ConnectAsync();
        Assert.Equal("+ ", await Pop3Fixture.AskAsync(client, "AUTH OAUTHBEARER"));
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, response), StringComparison.Ordinal);
        Assert.InRange(response.Length, 11_000, 12_286);
    }

    [Theory]
    [InlineData(null, "-ERR [AUTH] too many failed logins, try again later")]
    [InlineData("locked until\r\n18:30", "-ERR [AUTH] locked until??18:30")]
    public async Task LockedAccountHearsWhyAfterADelay(string? text, string reply)
    {
        var client = await _fixture.ConnectAsync(new ScriptedMaildrop { Login = _ => SaslResult.Refuse(SaslStatus.Locked, text) });
        await client.SendAsync("AUTH PLAIN AGEAYg==\r\n");
        Assert.False(client.Transport.Input.TryRead(out _));
        _fixture.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(reply, await client.ReadLineAsync());
    }

    [Fact]
    public async Task MaildropThatCannotBeOpenedIsATemporaryError()
    {
        var client = await _fixture.ConnectAsync(new ScriptedMaildrop { OpensMaildrop = false });
        Assert.StartsWith("-ERR [SYS/TEMP] ", await Pop3Fixture.AskAsync(client, "AUTH PLAIN AGEAYg=="), StringComparison.Ordinal);
        Assert.StartsWith("-ERR log in first", await Pop3Fixture.AskAsync(client, "STAT"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("AUTH SCRAM-SHA-256 biwsbj11c2VyLHI9YWJj")]
    [InlineData("AUTH XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIGIBAQ==")]
    public async Task BackendThatFailsInTheMiddleIsATemporaryError(string command)
    {
        var backend = new ScriptedMaildrop();
        var client = await _fixture.ConnectAsync(backend);
        Assert.StartsWith("-ERR [SYS/TEMP] ", await Pop3Fixture.AskAsync(client, command), StringComparison.Ordinal);
        Assert.IsType<TimeoutException>(Assert.Single(backend.Failures));
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, "AUTH PLAIN AGEAYg=="), StringComparison.Ordinal);
    }

    private static MailKit.Security.SaslMechanism MechanismOf(string name, string secret) => name switch
    {
        "SCRAM-SHA-256" => new SaslMechanismScramSha256(Pop3Fixture.Alice, secret),
        "SCRAM-SHA-1" => new SaslMechanismScramSha1(Pop3Fixture.Alice, secret),
        "PLAIN" => new SaslMechanismPlain(Pop3Fixture.Alice, secret),
        "LOGIN" => new SaslMechanismLogin(Pop3Fixture.Alice, secret),
        "OAUTHBEARER" => new SaslMechanismOAuthBearer(Pop3Fixture.Alice, secret),
        _ => new SaslMechanismOAuth2(Pop3Fixture.Alice, secret),
    };
}
