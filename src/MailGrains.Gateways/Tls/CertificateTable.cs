using MailGrains.Protocols.Tls;

namespace MailGrains.Gateways.Tls;

/// <summary>Which certificate is for which name; immutable.</summary>
internal sealed class CertificateTable
{
    private readonly Dictionary<string, TlsCertificate> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly TlsCertificate _default;

    public CertificateTable(IReadOnlyList<LoadedCertificate> certificates, string hostName)
    {
        Certificates = certificates;
        foreach (var certificate in certificates)
        {
            foreach (var name in certificate.Names)
            {
                _byName.TryAdd(name, certificate.Tls);
            }
        }

        _default = Named(hostName) ?? certificates[0].Tls;
    }

    public IReadOnlyList<LoadedCertificate> Certificates { get; }

    public TlsCertificate Find(string? serverName) => serverName is { Length: > 0 } ? Named(serverName) ?? _default : _default;

    private TlsCertificate? Named(string name)
    {
        if (_byName.TryGetValue(name, out var exact))
        {
            return exact;
        }

        // RFC 9525 §6.3: the wildcard stands for one whole label, the leftmost.
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && _byName.TryGetValue(string.Concat("*", name.AsSpan(dot)), out var wildcard) ? wildcard : null;
    }
}
