using System.Text;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Sasl.Client;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Servers that do not keep to AUTH or to a mechanism.</summary>
public sealed class SmtpClientLoginFaultTests
{
    private static readonly PlainCredentials Alice = new("", "alice", "secret");

    [Fact]
    public async Task MechanismThatIsOfferedAndUnknownIsFollowedByTheNext()
    {
        var (result, _, isAuthenticated) = await LogInAsync("SCRAM-SHA-1 PLAIN", """
            C: AUTH SCRAM-SHA-1 *
            S: 504 5.5.4 not really
            C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
            S: 235 2.7.0 welcome
            """);
        Assert.Equal("235 2.7.0 welcome", result.Text);
        Assert.True(isAuthenticated);
    }

    [Fact]
    public async Task WrongPasswordIsNotTriedAgainByAWeakerMechanism()
    {
        var (result, isUsable, _) = await LogInAsync("SCRAM-SHA-256 PLAIN LOGIN", """
            C: AUTH SCRAM-SHA-256 *
            S: 535 5.7.8 no
            """);
        Assert.Equal((SmtpVerdict.Permanent, "535 5.7.8 no"), (result.Verdict, result.Text));
        Assert.True(isUsable);
    }

    [Theory]
    [InlineData("235 2.7.0 welcome")]
    [InlineData("334 dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQT0=")]
    [InlineData("334 ZT1vdGhlci1lcnJvcg==")]
    public async Task ServerThatDoesNotKnowThePasswordIsNotBelieved(string last)
    {
        var pipes = new PipePair();
        await using var connection = Connect(pipes);
        var server = new ScriptedServer(pipes.Server, Opening("SCRAM-SHA-256") + "C: AUTH SCRAM-SHA-256 *");
        await connection.OpenAsync();
        var task = connection.AuthenticateAsync(Alice).AsTask();
        await server.Finished;

        // The nonce is the client's own, and goes on.
        var nonce = Encoding.ASCII.GetString(Convert.FromBase64String(server.LastLine.Split(' ')[2])).Split(",r=")[1];
        var first = Convert.ToBase64String(Encoding.ASCII.GetBytes($"r={nonce}more,s=c2FsdA==,i=4096"));
        var end = new ScriptedServer(pipes.Server, last.StartsWith('2') ? $"S: 334 {first}\nC: *\nS: {last}" : $"S: 334 {first}\nC: *\nS: {last}\nC: *\nS: 501 ok");
        var result = await task.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken);
        await end.Finished;
        Assert.Equal(SmtpVerdict.Temporary, result.Verdict);
        Assert.Equal(last.StartsWith('2') ? SmtpCause.ServerNotProven : SmtpCause.BadReply, result.Cause);
        Assert.False(connection.IsAuthenticated);
    }

    [Theory]
    [InlineData("PLAIN", "C: AUTH PLAIN AGFsaWNlAHNlY3JldA==\nS: 334 \nC: *\nS: 501 cancelled")]
    [InlineData("LOGIN", "C: AUTH LOGIN\nS: 334 ***\nC: *\nS: 501 cancelled")]
    [InlineData("LOGIN", "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YWxpY2U=\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 334 QWdlOg==\nC: *\nS: 501 cancelled")]
    [InlineData("SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 *\nS: 334 cj1vdGhlciBub25jZSxzPWMyRnNkQT09LGk9NDA5Ng==\nC: *\nS: 501 cancelled")]
    [InlineData("SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 *\nS: 334 \nC: *\nS: 235 oh well")]
    public async Task ServerThatDoesNotKeepToTheMechanismIsToldSo(string mechanism, string script)
    {
        var (result, isUsable, isAuthenticated) = await LogInAsync(mechanism, script);
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Auth, SmtpCause.BadReply), (result.Verdict, result.Stage, result.Cause));
        Assert.False(isAuthenticated);
        Assert.Equal(!script.EndsWith("235 oh well", StringComparison.Ordinal), isUsable);
    }

    [Fact]
    public async Task ChallengeBeyondTheBoundIsNoChallenge()
    {
        var (result, isUsable, _) = await LogInAsync("LOGIN", $"C: AUTH LOGIN\nS: 334 {new string('A', 13_000)}");
        Assert.Equal((SmtpVerdict.Temporary, SmtpCause.BadReply, false), (result.Verdict, result.Cause, isUsable));
        (result, _, _) = await LogInAsync("LOGIN", $"C: AUTH LOGIN\nS: 334 {new string('A', 12_288)}\nC: YWxpY2U=\nS: 535 no");
        Assert.Equal("535 no", result.Text);
    }

    [Theory]
    [InlineData("r=nonce,s=c2FsdA==,i=4096")]
    [InlineData("r=nonc,s=c2FsdA==,i=4096")]
    [InlineData("r=nonce+,s=c2FsdA==,i=4095")]
    [InlineData("r=nonce+,s=c2FsdA==,i=1000001")]
    [InlineData("r=nonce+,s=c2FsdA==,i=-4096")]
    [InlineData("r=nonce+,s=,i=4096")]
    [InlineData("r=nonce+,s=*,i=4096")]
    [InlineData("m=x,r=nonce+,s=c2FsdA==,i=4096")]
    [InlineData("r=nonce+,s=c2FsdA==,i=4096,r=nonce+")]
    [InlineData("")]
    public void ChallengeOfScramThatIsNoneIsNotAnswered(string challenge)
    {
        Assert.Null(new ScramClientExchange(ScramHash.Sha256, Alice, "nonce").Respond(Encoding.ASCII.GetBytes(challenge)));
    }

    /// <summary>RFC 7677 §3.</summary>
    [Fact]
    public void ExampleOfTheRfcIsAnsweredAsThere()
    {
        var exchange = new ScramClientExchange(ScramHash.Sha256, new("", "user", "pencil"), "rOprNGfwEbeRWgbNEkqO");
        Assert.Equal("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", Encoding.ASCII.GetString(exchange.InitialResponse));
        var final = exchange.Respond("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"u8);
        Assert.Equal(
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", Encoding.ASCII.GetString(final!));
        Assert.False(exchange.IsServerProven);
        Assert.Equal([], exchange.Respond("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="u8)!);
        Assert.True(exchange.IsServerProven);
    }

    private static async Task<(SmtpResult Result, bool IsUsable, bool IsAuthenticated)> LogInAsync(string offered, string script)
    {
        var pipes = new PipePair();
        var server = new ScriptedServer(pipes.Server, Opening(offered) + script);
        await using var connection = Connect(pipes);
        await connection.OpenAsync();
        var result = await connection.AuthenticateAsync(Alice).AsTask().WaitAsync(WireClient.Patience);
        await server.Finished;
        Assert.DoesNotContain("secret", result.ToString(), StringComparison.Ordinal);
        return (result, connection.IsUsable, connection.IsAuthenticated);
    }

    private static string Opening(string offered) => $"S: 220 mx\nC: EHLO client.example\nS: 250-mx\nS: 250 AUTH {offered}\n";

    private static SmtpClientConnection Connect(PipePair pipes) => new(
        pipes.Client, new() { HelloName = "client.example", AllowsClearTextLogin = true }, TimeProvider.System, TestContext.Current.CancellationToken);
}
