using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Relay.Destinations.Dane;

/// <summary>Whether a certificate is one that TLSA records name (RFC 7672 §3.1, RFC 7671 §5). The system's roots count for nothing.</summary>
public static class TlsaMatcher
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    // What is to be expected of a chain whose anchor is no root of the system's.
    private const X509ChainStatusFlags Expected = X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot;

    private static readonly TlsFailure NoMatch = new(TlsFailureKind.Refused, "no TLSA record names the certificate");

    /// <param name="associations">One of them must fit.</param>
    /// <param name="names">Of which a certificate under a trust anchor must hold one (RFC 7672 §3.2.2).</param>
    public static TlsPeerCheck Check(ImmutableArray<TlsaAssociation> associations, ImmutableArray<string> names, TimeProvider time) =>
        peer => Check(associations, names, peer.Certificate, peer.Others, time.GetUtcNow());

    /// <param name="sent">What the server sent beside its certificate.</param>
    internal static TlsFailure? Check(
        ImmutableArray<TlsaAssociation> associations, ImmutableArray<string> names, X509Certificate2 certificate, X509Certificate2Collection sent,
        DateTimeOffset now)
    {
        // RFC 7672 §3.1.1: neither names nor dates matter, the record says all.
        if (associations.Any(association => association.Usage == TlsaUsage.EndEntity && Fits(association, certificate)))
        {
            return null;
        }

        TlsaAssociation[] anchors = [.. associations.Where(association => association.Usage == TlsaUsage.TrustAnchor)];
        return anchors.Length == 0 ? NoMatch : CheckAnchors(anchors, certificate, sent, now) ?? CheckNames(certificate, names);
    }

    private static bool Fits(TlsaAssociation association, X509Certificate2 certificate)
    {
        var selected = association.Selector == TlsaSelector.Certificate ? certificate.RawData : certificate.PublicKey.ExportSubjectPublicKeyInfo();
        return association.Data.AsSpan().SequenceEqual(association.Matching switch
        {
            TlsaMatching.Sha256 => SHA256.HashData(selected),
            TlsaMatching.Sha512 => SHA512.HashData(selected),
            _ => selected,
        });
    }

    /// <summary>RFC 7672 §3.1.2: a chain, of what was sent, from the certificate to one that a record names.</summary>
    private static TlsFailure? CheckAnchors(
        TlsaAssociation[] anchors, X509Certificate2 certificate, X509Certificate2Collection sent, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        chain.ChainPolicy.ExtraStore.AddRange(Published(anchors));
        chain.Build(certificate);

        var status = X509ChainStatusFlags.NoError;
        for (var i = 0; i < chain.ChainElements.Count; i++)
        {
            var element = chain.ChainElements[i];
            status |= element.ChainElementStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
            if (i > 0 && anchors.Any(anchor => Fits(anchor, element.Certificate)))
            {
                return (status & ~Expected) switch
                {
                    X509ChainStatusFlags.NoError => null,
                    X509ChainStatusFlags.NotTimeValid => new(TlsFailureKind.Expired, "the certificate has expired or is not valid yet"),
                    var wrong => new(TlsFailureKind.NotTrusted, $"the certificate does not lead to the one that TLSA records name: {wrong}"),
                };
            }
        }

        return NoMatch;
    }

    /// <summary>Anchors that stand in DNS as a whole need not be sent (RFC 7671 §5.2.1).</summary>
    private static X509Certificate2Collection Published(TlsaAssociation[] anchors)
    {
        var published = new X509Certificate2Collection();
        foreach (var anchor in anchors.Where(a => a is { Selector: TlsaSelector.Certificate, Matching: TlsaMatching.Exact }))
        {
            try
            {
                published.Add(X509CertificateLoader.LoadCertificate(anchor.Data.AsSpan()));
            }
            catch (CryptographicException)
            {
                // The record is no certificate, and fits none.
            }
        }

        return published;
    }

    private static TlsFailure? CheckNames(X509Certificate2 certificate, ImmutableArray<string> names) =>
        names.Any(name => certificate.MatchesHostname(name, allowWildcards: true, allowCommonName: true))
            ? null
            : new(TlsFailureKind.HostMismatch, $"the certificate is not for {string.Join(" or ", names)}");
}
