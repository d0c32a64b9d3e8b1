namespace MailGrains.Protocols.Sasl;

/// <summary>What may be offered on a connection as it is now; a new one when TLS begins.</summary>
/// <param name="AllowsClearText">Log in without TLS too; for loopback.</param>
/// <param name="EndPointBinding">tls-server-end-point (RFC 5929 §4): the hash of our certificate. Empty: no channel binding.</param>
/// <param name="OffersBearer">The backend checks tokens.</param>
public sealed record SaslPolicy(bool IsEncrypted, bool AllowsClearText, ReadOnlyMemory<byte> EndPointBinding, bool OffersBearer)
{
    /// <summary>No login at all.</summary>
    public static readonly SaslPolicy None = new(false, false, default, false);

    /// <summary>The backend has SCRAM secrets.</summary>
    public bool OffersScram { get; init; } = true;

    /// <summary>False: a secret would be readable on the way, so nothing is offered, nor taken.</summary>
    public bool AllowsLogin => IsEncrypted || AllowsClearText;

    /// <summary>In order of preference; empty when nothing is allowed.</summary>
    public IReadOnlyList<string> Offered => SaslMechanisms.NamesFor(this);

    internal SaslNeeds Meets =>
        (AllowsLogin ? SaslNeeds.Login : 0) | (OffersScram ? SaslNeeds.Scram : 0) | (EndPointBinding.IsEmpty ? 0 : SaslNeeds.EndPointBinding)
        | (OffersBearer ? SaslNeeds.Bearer : 0);
}
