using System.Collections.Immutable;
using DnsClient.Protocol;

namespace MailGrains.Grains.Relay.Destinations.Dane;

/// <summary>RFC 6698 §2.1.1; the two that mail uses (RFC 7672 §3.1.3).</summary>
public enum TlsaUsage
{
    /// <summary>DANE-TA: an issuer in the chain.</summary>
    TrustAnchor = 2,

    /// <summary>DANE-EE: the server's own certificate, or its key.</summary>
    EndEntity = 3,
}

/// <summary>RFC 6698 §2.1.2.</summary>
public enum TlsaSelector
{
    Certificate = 0,
    PublicKey = 1,
}

/// <summary>RFC 6698 §2.1.3.</summary>
public enum TlsaMatching
{
    Exact = 0,
    Sha256 = 1,
    Sha512 = 2,
}

/// <summary>A TLSA record that can be used.</summary>
public sealed record TlsaAssociation(TlsaUsage Usage, TlsaSelector Selector, TlsaMatching Matching, ImmutableArray<byte> Data)
{
    private const int MaxAssociations = 64;

    /// <summary>Those of the records that can be used for mail (RFC 7672 §3.1), the weaker digests left out where there are stronger ones (RFC 7671 §9).</summary>
    internal static ImmutableArray<TlsaAssociation> Usable(IEnumerable<TlsaRecord> records)
    {
        TlsaAssociation[] usable = [.. records.Select(Read).OfType<TlsaAssociation>().Take(MaxAssociations)];
        return
        [
            .. usable.Where(a => a.Matching != TlsaMatching.Sha256
                || !usable.Any(b => b.Matching == TlsaMatching.Sha512 && b.Usage == a.Usage && b.Selector == a.Selector)),
        ];
    }

    /// <summary>As in a zone file: <c>3 1 1 ab12…</c>.</summary>
    public override string ToString() => $"{(int)Usage} {(int)Selector} {(int)Matching} {Convert.ToHexStringLower(Data.AsSpan())}";

    private static TlsaAssociation? Read(TlsaRecord record)
    {
        var association = new TlsaAssociation(
            (TlsaUsage)(int)record.CertificateUsage, (TlsaSelector)(int)record.Selector, (TlsaMatching)(int)record.MatchingType,
            [.. record.CertificateAssociationData]);
        var isUsable = Enum.IsDefined(association.Usage) && Enum.IsDefined(association.Selector) && association.Matching switch
        {
            TlsaMatching.Exact => association.Data.Length > 0,
            TlsaMatching.Sha256 => association.Data.Length == 32,
            TlsaMatching.Sha512 => association.Data.Length == 64,
            _ => false,
        };
        return isUsable ? association : null;
    }
}
