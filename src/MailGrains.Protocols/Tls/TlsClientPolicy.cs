using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Protocols.Tls;

/// <summary>How a client begins TLS, and whom it takes for its server.</summary>
/// <param name="ServerName">Asked for by SNI (RFC 6066 §3): a domain without a dot at its end; null: no name is said.</param>
/// <param name="Check">Looks at what the server presented; see <see cref="TlsPeerChecks"/>.</param>
public sealed record TlsClientPolicy(string? ServerName, TlsPeerCheck Check)
{
    /// <summary>Roots that are trusted in place of the system's.</summary>
    public X509Certificate2Collection? Roots { get; init; }

    /// <summary>TLS 1.2 and 1.3 (RFC 8996, RFC 9325), no certificate of ours.</summary>
    internal SslClientAuthenticationOptions ClientOptions(Action<TlsFailure> refused) => new()
    {
        TargetHost = ServerName ?? "",
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,

        // Each handshake is checked by the policy of its own connection, on the whole chain.
        AllowTlsResume = false,
        CertificateChainPolicy = ChainPolicy(),
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
        {
            var refusal = certificate is X509Certificate2 leaf && chain is not null
                ? Check(new TlsPeer(leaf, chain))
                : new TlsFailure(TlsFailureKind.NotTrusted, "no certificate was presented");
            if (refusal is not null)
            {
                refused(refusal);
            }

            return refusal is null;
        },
    };

    private X509ChainPolicy ChainPolicy()
    {
        // What a certificate names (its issuer's, revocation lists) is not fetched: a stranger would choose where we connect to.
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (Roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(Roots);
        }

        return policy;
    }
}

/// <summary>Says why a server is not to be talked to; null: it is taken. Called in the handshake, so it does not wait for anything.</summary>
public delegate TlsFailure? TlsPeerCheck(TlsPeer peer);

/// <summary>What a server presented; good while it is checked, no longer.</summary>
public sealed class TlsPeer
{
    internal TlsPeer(X509Certificate2 certificate, X509Chain chain) => (Certificate, Chain) = (certificate, chain);

    public X509Certificate2 Certificate { get; }

    /// <summary>As it was built from what was presented and the trusted roots; its status says whether it holds.</summary>
    public X509Chain Chain { get; }

    /// <summary>What came with the certificate, in no certain order: intermediates, perhaps a root. For DANE.</summary>
    public X509Certificate2Collection Others => Chain.ChainPolicy.ExtraStore;
}

/// <summary>Why there is no TLS; kinds as RFC 8460 §4.3 counts them.</summary>
public enum TlsFailureKind
{
    /// <summary>The handshake failed, or the connection was lost in it.</summary>
    Handshake = 1,
    TimedOut = 2,

    /// <summary>The certificate is good, and somebody else's.</summary>
    HostMismatch = 3,
    Expired = 4,

    /// <summary>No way leads from the certificate to a trusted root.</summary>
    NotTrusted = 5,

    /// <summary>No TLSA record fits (RFC 7672), or whatever else a caller's check holds against it.</summary>
    Refused = 6,
}

/// <param name="Text">For people: of ours or of the TLS library, nothing that the peer wrote.</param>
public sealed record TlsFailure(TlsFailureKind Kind, string Text);

/// <summary>The checks that need no records of DNS.</summary>
public static class TlsPeerChecks
{
    /// <summary>Takes anybody: opportunistic TLS (RFC 7435), safe from those who only listen.</summary>
    public static TlsPeerCheck None { get; } = _ => null;

    /// <summary>A chain to a trusted root, and a DNS-ID that is one of <paramref name="names"/> (RFC 9525 §6.3); wildcards stand for one label.</summary>
    public static TlsPeerCheck Pkix(params IReadOnlyList<string> names) => peer => CheckChain(peer.Chain) ?? CheckNames(peer.Certificate, names);

    private static TlsFailure? CheckChain(X509Chain chain)
    {
        var status = X509ChainStatusFlags.NoError;
        foreach (var element in chain.ChainStatus)
        {
            status |= element.Status;
        }

        return status switch
        {
            X509ChainStatusFlags.NoError => null,
            X509ChainStatusFlags.NotTimeValid => new(TlsFailureKind.Expired, "the certificate has expired or is not valid yet"),
            _ => new(TlsFailureKind.NotTrusted, $"the certificate is not trusted: {status}"),
        };
    }

    private static TlsFailure? CheckNames(X509Certificate2 certificate, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (certificate.MatchesHostname(name, allowWildcards: true, allowCommonName: false))
            {
                return null;
            }
        }

        return new(TlsFailureKind.HostMismatch, $"the certificate is not for {string.Join(" or ", names)}");
    }
}

/// <summary>The check refused the peer.</summary>
internal sealed class TlsRefusedException(TlsFailure reason, Exception inner) : AuthenticationException(reason.Text, inner)
{
    public TlsFailure Reason { get; } = reason;
}
