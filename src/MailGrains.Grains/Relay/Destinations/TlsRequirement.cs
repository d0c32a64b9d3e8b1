using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailGrains.Grains.Relay.Destinations.Dane;
using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Relay.Destinations;

public enum TlsLevel
{
    /// <summary>No TLS is to be tried: an operator's route says so.</summary>
    None = 0,

    /// <summary>Whatever the server offers, with any certificate, or in clear.</summary>
    Opportunistic = 1,

    /// <summary>TLS, with any certificate.</summary>
    Required = 2,

    /// <summary>TLS, with a certificate of a known issuer for one of <see cref="TlsRequirement.ReferenceNames"/>.</summary>
    Pkix = 3,

    /// <summary>TLS, with a certificate that <see cref="TlsRequirement.Associations"/> name (RFC 7672).</summary>
    Dane = 4,
}

/// <summary>What must hold of TLS before a message may be sent to a host.</summary>
public sealed record TlsRequirement(TlsLevel Level)
{
    public static TlsRequirement None { get; } = new(TlsLevel.None);

    public static TlsRequirement Opportunistic { get; } = new(TlsLevel.Opportunistic);

    public static TlsRequirement Required { get; } = new(TlsLevel.Required);

    /// <summary>For the server name indication; null: the host's name.</summary>
    public string? ServerName { get; init; }

    /// <summary>Names of which the certificate has to hold one; with <see cref="TlsLevel.Pkix"/>, and for DANE's trust anchors.</summary>
    public ImmutableArray<string> ReferenceNames { get; init; } = [];

    public ImmutableArray<TlsaAssociation> Associations { get; init; } = [];

    /// <summary>
    /// An MTA-STS policy in testing mode (RFC 8461 §5): the certificate is to be checked for <see cref="ReferenceNames"/>, a failure to be counted, and the mail to be
    /// sent all the same.
    /// </summary>
    public bool IsTested { get; init; }

    /// <summary>What results are counted under.</summary>
    public TlsPolicy Policy { get; init; } = TlsPolicy.None;

    public static TlsRequirement Pkix(params ImmutableArray<string> names) => new(TlsLevel.Pkix) { ReferenceNames = names };

    /// <summary>What a handshake with the host is checked by; null: there is to be none.</summary>
    /// <param name="host">Its name, or an address literal.</param>
    /// <param name="roots">Null: the system's.</param>
    /// <param name="tested">Hears of what <see cref="IsTested"/> has found, before the handshake ends.</param>
    public TlsClientPolicy? ClientPolicy(string host, X509Certificate2Collection? roots, TimeProvider time, Action<TlsFailure> tested)
    {
        // RFC 6066 §3: no address is a server name.
        var serverName = ServerName ?? (HostAddresses.TryParse(host, out _) ? null : host);
        return Level switch
        {
            TlsLevel.None => null,
            TlsLevel.Pkix => new TlsClientPolicy(serverName, TlsPeerChecks.Pkix(ReferenceNames)) { Roots = roots },
            TlsLevel.Dane => new TlsClientPolicy(serverName, TlsaMatcher.Check(Associations, ReferenceNames, time)),
            _ when IsTested => new TlsClientPolicy(serverName, Test(TlsPeerChecks.Pkix(ReferenceNames), tested)) { Roots = roots },
            _ => new TlsClientPolicy(serverName, TlsPeerChecks.None),
        };
    }

    private static TlsPeerCheck Test(TlsPeerCheck check, Action<TlsFailure> tested) => peer =>
    {
        if (check(peer) is { } failure)
        {
            tested(failure);
        }

        return null;
    };

    /// <summary>
    /// As a message with REQUIRETLS (RFC 8689 §4.2.1) wants it: verified one way or the other. The host's name must be proven too, see
    /// <see cref="DestinationHost.IsNameProven"/>.
    /// </summary>
    public TlsRequirement AtLeastVerified(string host) =>
        Level >= TlsLevel.Pkix ? this : this with { Level = TlsLevel.Pkix, ReferenceNames = [host], IsTested = false };
}

/// <summary>RFC 8460 §4.4.</summary>
public enum TlsPolicyType
{
    NoPolicyFound = 1,
    Sts = 2,
    Tlsa = 3,
}

/// <param name="Domain">Whose policy it is; empty without one.</param>
/// <param name="Lines">The policy's lines, or the TLSA records as zone files have them.</param>
public sealed record TlsPolicy(TlsPolicyType Type, string Domain, ImmutableArray<string> Lines)
{
    public static TlsPolicy None { get; } = new(TlsPolicyType.NoPolicyFound, "", []);

    /// <summary>Tells policies of one domain apart.</summary>
    internal string Key { get; } = $"{(int)Type}-{Hash(Domain, Lines)}";

    private static string Hash(string domain, ImmutableArray<string> lines) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', lines.Prepend(domain)))).AsSpan(0, 8));
}
