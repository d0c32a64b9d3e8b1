using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Sasl;

public sealed class ScramExchangeTests
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    /// <summary>The examples of RFC 5802 §5 and RFC 7677 §3.</summary>
    [Theory]
    [InlineData(
        ScramHash.Sha1, "3rfcNHYJY1ZVvWVs7j", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")]
    [InlineData(
        ScramHash.Sha256, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")]
    public async Task ExamplesOfTheRfcsAreAnsweredAsWritten(
        ScramHash hash, string nonce, string clientFirst, string serverFirst, string clientFinal, string serverFinal)
    {
        var salt = Convert.FromBase64String(serverFirst.Split(',')[1][2..]);
        var backend = new OneSecret(ScramSecret.Derive(hash, "pencil", salt, 4_096));
        var conversation = new SaslConversation(new ScramExchange(hash, false, default, backend, () => nonce));
        Assert.Equal(0, conversation.FirstChallenge!.Value.Length);
        Assert.Equal(serverFirst, await ChallengeAsync(conversation, clientFirst));
        Assert.Equal(serverFinal, await ChallengeAsync(conversation, clientFinal));
        var step = await conversation.NextAsync([], _cancellation);
        Assert.Equal((SaslOutcome.Finished, SaslStatus.Accepted), (step.Outcome, step.Result!.Status));
        Assert.Equal(SaslOutcome.Malformed, (await conversation.NextAsync([], _cancellation)).Outcome);
        Assert.Equal(("user", ""), (backend.Seen!.User, backend.Seen.AuthorizationId));
    }

    [Fact]
    public async Task ReplayedProofIsRefused()
    {
        byte[] said = [];
        var result = await SaslScript.Of("SCRAM-SHA-256").RunAsync("SCRAM-SHA-256", (i, message) => i == 1 ? said = message : message);
        Assert.Equal(SaslStatus.Accepted, result!.Status);
        result = await SaslScript.Of("SCRAM-SHA-256").RunAsync("SCRAM-SHA-256", (i, message) => i == 1 ? said : message);
        Assert.Equal(SaslStatus.BadCredentials, result!.Status);
    }

    [Fact]
    public async Task ServersNonceIsNewEachTimeAndLong()
    {
        var nonces = new HashSet<string>();
        for (var i = 0; i < 100; i++)
        {
            var conversation = SaslConversation.Begin("SCRAM-SHA-256"u8, SaslScript.Policy, new InMemorySaslBackend(SaslScript.Store))!;
            var nonce = (await ChallengeAsync(conversation, "n,,n=u,r=abc")).Split(',')[0];
            Assert.StartsWith("r=abc", nonce, StringComparison.Ordinal);
            Assert.Equal(32, nonce.Length - "r=abc".Length);
            nonces.Add(nonce);
        }

        Assert.Equal(100, nonces.Count);
    }

    /// <summary>RFC 5802 §6 and §5.1: the flag, the binding's name, the header that c= repeats, the binding.</summary>
    [Theory]
    [InlineData("SCRAM-SHA-256", "y,,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-256", "y,,", false, SaslStatus.Accepted)]
    [InlineData("SCRAM-SHA-256", "n,,", true, SaslStatus.Accepted)]
    [InlineData("SCRAM-SHA-256", "p=tls-server-end-point,,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-256", "n,a=alice@example.test,", true, SaslStatus.Accepted)]
    [InlineData("SCRAM-SHA-256", "n,a=bob@example.test,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,", true, SaslStatus.Accepted)]
    [InlineData("SCRAM-SHA-1-PLUS", "p=tls-unique,,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-1-PLUS", "p=tls-exporter,,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-1-PLUS", "y,,", true, SaslStatus.BadCredentials)]
    [InlineData("SCRAM-SHA-1-PLUS", "n,a=alice@example.test,", true, SaslStatus.BadCredentials)]
    public async Task ChannelIsBoundAsTheMechanismSays(string mechanism, string header, bool offersPlus, SaslStatus expected)
    {
        var policy = offersPlus ? SaslScript.Policy : SaslScript.Policy with { EndPointBinding = default };
        var result = await SaslScript.Scram(mechanism, header).RunAsync(mechanism, policy: policy);
        Assert.Equal(expected, result!.Status);
    }

    [Fact]
    public async Task BindingOfAnotherCertificateIsRefusedAndTheBackendIsNotAsked()
    {
        var backend = new OneSecret(ScramSecret.Derive(ScramHash.Sha256, SaslScript.Password, [1], 4_096));
        var script = SaslScript.Scram("SCRAM-SHA-256-PLUS", "n,,", binding: new byte[32]);
        Assert.Equal(SaslStatus.BadCredentials, (await script.RunAsync("SCRAM-SHA-256-PLUS", backend: backend))!.Status);
        Assert.Null(backend.Seen);
        Assert.Equal(SaslStatus.Accepted, (await SaslScript.Of("SCRAM-SHA-256-PLUS").RunAsync("SCRAM-SHA-256-PLUS", backend: backend))!.Status);
    }

    [Theory]
    [InlineData("a=2Cb=3Dc@example.test", SaslScript.Password, SaslStatus.Accepted)]
    [InlineData(SaslScript.Alice, "wrong", SaslStatus.BadCredentials)]
    [InlineData("nobody@example.test", SaslScript.Password, SaslStatus.BadCredentials)]
    public async Task NameIsDecodedAndOnlyTheRightPasswordAccepted(string user, string password, SaslStatus expected)
    {
        foreach (var mechanism in SaslScript.Mechanisms[..4])
        {
            Assert.Equal(expected, (await SaslScript.Scram(mechanism, "n,,", user, password).RunAsync(mechanism))!.Status);
        }
    }

    [Fact]
    public async Task UnknownNameIsAskedLikeAnyOtherAndAlwaysTheSame()
    {
        var backend = new InMemorySaslBackend(SaslScript.Store);
        var first = await backend.BeginScramAsync(ScramHash.Sha256, "nobody@example.test", _cancellation);
        var again = await backend.BeginScramAsync(ScramHash.Sha256, "Nobody@example.test", _cancellation);
        var known = await backend.BeginScramAsync(ScramHash.Sha256, SaslScript.Alice, _cancellation);
        Assert.Equal(first.Salt, again.Salt);
        Assert.Equal((known.Salt.Length, known.Iterations), (first.Salt.Length, first.Iterations));
    }

    [Theory]
    [InlineData("")]
    [InlineData("n,,")]
    [InlineData("n,,n=user")]
    [InlineData("n,,n=user,r=")]
    [InlineData("n,,n=,r=abc")]
    [InlineData("n,a=,n=user,r=abc")]
    [InlineData("n,b=x,n=user,r=abc")]
    [InlineData("N,,n=user,r=abc")]
    [InlineData("x,,n=user,r=abc")]
    [InlineData("p,,n=user,r=abc")]
    [InlineData("p=,,n=user,r=abc")]
    [InlineData("n,,N=user,r=abc")]
    [InlineData("n,,n=user,R=abc")]
    [InlineData("n,,n=us=er,r=abc")]
    [InlineData("n,,n=us=2cer,r=abc")]
    [InlineData("n,,n=us=3,r=abc")]
    [InlineData("n,,n=user,r=a c")]
    [InlineData("n,,n=user,r=abc,")]
    [InlineData("n,,n=user,r=abc,r=abc")]
    [InlineData("n,,m=x,n=user,r=abc")]
    [InlineData("n,,n=user,r=abc,m=x")]
    [InlineData("n,,n=us\0er,r=abc")]
    [InlineData("n,,n=user,r=äbc")]
    public void MalformedFirstMessageIsRefused(string message) => Assert.Null(ScramClientFirst.Decode(SaslScript.Utf8(message)));

    [Theory]
    [InlineData("")]
    [InlineData("c=biws")]
    [InlineData("c=biws,r=abc")]
    [InlineData("c=biws,r=abc,p=")]
    [InlineData("c=biws,r=abc,p=AA")]
    [InlineData("c=biws,r=abc,p=AB==")]
    [InlineData("c=biws,r=abc,p=AA==,x=1")]
    [InlineData("c=biws,r=abc,p=AA==,p=AA==")]
    [InlineData("c=biws,p=AA==,r=abc")]
    [InlineData("r=abc,c=biws,p=AA==")]
    [InlineData("c=,r=abc,p=AA==")]
    [InlineData("c=biw,r=abc,p=AA==")]
    [InlineData("c=biws,r=abc,m=1,p=AA==")]
    [InlineData("c=biws,r=abc,x=,p=AA==")]
    public void MalformedFinalMessageIsRefused(string message) => Assert.Null(ScramClientFinal.Decode(SaslScript.Utf8(message)));

    [Fact]
    public void BoundsHoldAndUnknownExtensionsArePassedOver()
    {
        var name = new string('n', 255);
        var nonce = new string('r', 256);
        Assert.Equal(name, ScramClientFirst.Decode(SaslScript.Utf8($"n,a={name},n={name},r={nonce},x=y"))!.User);
        Assert.Null(ScramClientFirst.Decode(SaslScript.Utf8($"n,,n={name}n,r={nonce}")));
        Assert.Null(ScramClientFirst.Decode(SaslScript.Utf8($"n,a={name}n,n={name},r={nonce}")));
        Assert.Null(ScramClientFirst.Decode(SaslScript.Utf8($"n,,n={name},r={nonce}r")));
        Assert.Null(ScramClientFirst.Decode([.. "n,,n="u8, 0xff, .. ",r=abc"u8]));
        Assert.Equal("c=biws,r=abc,x=y".Length, ScramClientFinal.Decode("c=biws,r=abc,x=y,p=AA=="u8)!.BareBytes);
    }

    [Theory]
    [InlineData(4_095, 16)]
    [InlineData(10_000_001, 16)]
    [InlineData(4_096, 0)]
    [InlineData(4_096, 257)]
    public async Task SecretOutOfBoundsIsAFailureOfOurs(int iterations, int saltBytes)
    {
        var backend = new OneSecret(new ScramSecret(ScramHash.Sha256, new byte[saltBytes], iterations, new byte[32], new byte[32]));
        await Assert.ThrowsAsync<InvalidOperationException>(() => SaslScript.Of("SCRAM-SHA-256").RunAsync("SCRAM-SHA-256", backend: backend));
    }

    private async Task<string> ChallengeAsync(SaslConversation conversation, string message)
    {
        var step = await conversation.NextAsync(SaslScript.Utf8(message), _cancellation);
        Assert.Equal(SaslOutcome.Challenge, step.Outcome);
        return Encoding.UTF8.GetString(step.Challenge.Span);
    }

    private sealed class OneSecret(ScramSecret secret) : ISaslBackend
    {
        public ScramProof? Seen { get; private set; }

        public ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken) =>
            new(new ScramChallenge(secret.Salt, secret.Iterations));

        public ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken)
        {
            Seen = proof;
            var result = secret.Check(proof.AuthMessage, proof.ClientProof)
                ? SaslResult.Accept(new SaslIdentity(proof.User))
                : SaslResult.Refuse(SaslStatus.BadCredentials);
            return new(new ScramResult(result, secret.Sign(proof.AuthMessage)));
        }

        public ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
