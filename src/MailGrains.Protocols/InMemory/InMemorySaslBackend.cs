using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.InMemory;

/// <summary>The accounts of an <see cref="InMemoryMailStore"/>; names are addresses, taken as they are (no SASLprep), and act for themselves alone.</summary>
public sealed class InMemorySaslBackend(InMemoryMailStore store) : ISaslBackend
{
    public ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken) =>
        new(Answer(credentials.AuthenticationId, credentials.AuthorizationId, store.IsPassword(credentials.AuthenticationId, credentials.Password)));

    public ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken)
    {
        var secret = store.ScramSecretOf(user, hash);
        return new(new ScramChallenge(secret.Salt, secret.Iterations));
    }

    public ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken)
    {
        var secret = store.ScramSecretOf(proof.User, proof.Hash);
        var isRight = secret.Check(proof.AuthMessage, proof.ClientProof) && store.HasMailbox(proof.User);
        return new(new ScramResult(Answer(proof.User, proof.AuthorizationId, isRight), secret.Sign(proof.AuthMessage)));
    }

    public ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken) =>
        new(store.OwnerOfToken(credentials.Token) is { } owner && (credentials.User.Length == 0 || IsSame(credentials.User, owner))
            ? Answer(owner, credentials.AuthorizationId, true)
            : SaslResult.Refuse(SaslStatus.BadCredentials));

    private static SaslResult Answer(string user, string authorizationId, bool isRight) =>
        isRight && (authorizationId.Length == 0 || IsSame(authorizationId, user))
            ? SaslResult.Accept(new SaslIdentity(user))
            : SaslResult.Refuse(SaslStatus.BadCredentials);

    private static bool IsSame(string first, string second) => string.Equals(first, second, StringComparison.OrdinalIgnoreCase);
}
