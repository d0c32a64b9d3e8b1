using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Grains.Tests.Relay.Destinations;

/// <summary>A root, an intermediate below it, and certificates of the latter.</summary>
internal sealed class TestAuthority : IDisposable
{
    public TestAuthority(string name = "Test")
    {
        Root = Certificate($"CN={name} root", null, ca: true);
        Intermediate = Certificate($"CN={name} issuer", Root, ca: true);
    }

    public X509Certificate2 Root { get; }

    public X509Certificate2 Intermediate { get; }

    public X509Certificate2Collection Roots => [Root];

    public X509Certificate2 Issue(string name, DateTimeOffset? notAfter = null) => Certificate($"CN={name}", Intermediate, ca: false, name, notAfter);

    /// <summary>With its key.</summary>
    /// <param name="issuer">Null: self-signed.</param>
    public static X509Certificate2 Certificate(
        string subject, X509Certificate2? issuer, bool ca, string? name = null, DateTimeOffset? notAfter = null, string? usage = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(ca, false, 0, critical: true));
        if (name is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        if (usage is not null)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        }

        var (from, to) = (DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(200));
        if (issuer is null)
        {
            return request.CreateSelfSigned(from, to);
        }

        using var signer = issuer.GetECDsaPrivateKey()!;
        using var certificate = request.Create(
            issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(signer), from, notAfter ?? to.AddDays(-1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    public void Dispose()
    {
        Root.Dispose();
        Intermediate.Dispose();
    }
}
