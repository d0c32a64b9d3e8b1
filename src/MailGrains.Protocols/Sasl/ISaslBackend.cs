namespace MailGrains.Protocols.Sasl;

/// <summary>
/// What a SASL exchange asks of the accounts; one instance a connection, never called by two threads at once. An exception becomes a temporary
/// failure. Equal cost for an unknown name and a wrong secret is the backend's part, and so is SASLprep (RFC 4013) of names and passwords.
/// </summary>
public interface ISaslBackend
{
    /// <summary>PLAIN, LOGIN, and POP3's USER and PASS.</summary>
    ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken);

    /// <summary>Salt and iterations of an account; made-up ones, always the same, for a name that is unknown.</summary>
    ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken);

    /// <summary>Checks the client's proof; the server's signature goes with an accepted one.</summary>
    ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken);

    /// <summary>OAUTHBEARER and XOAUTH2.</summary>
    ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken);
}
