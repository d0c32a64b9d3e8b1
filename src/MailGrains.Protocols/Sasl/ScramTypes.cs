namespace MailGrains.Protocols.Sasl;

public enum ScramHash
{
    Sha1 = 1,
    Sha256 = 2,
}

/// <summary>What a client needs to make a proof of its password (RFC 5802 §5.1, attributes s and i).</summary>
public sealed record ScramChallenge(byte[] Salt, int Iterations);

/// <summary>A client's proof, for <see cref="ISaslBackend.FinishScramAsync"/> to check; nonce and channel binding are checked already.</summary>
/// <param name="AuthorizationId">Whom to act as; empty: the same as <paramref name="User"/>.</param>
/// <param name="AuthMessage">What both sides have said (RFC 5802 §3).</param>
public sealed record ScramProof(ScramHash Hash, string User, string AuthorizationId, byte[] AuthMessage, byte[] ClientProof);

/// <param name="ServerSignature">HMAC(ServerKey, AuthMessage); looked at with <see cref="SaslStatus.Accepted"/> only.</param>
public sealed record ScramResult(SaslResult Result, byte[] ServerSignature);
