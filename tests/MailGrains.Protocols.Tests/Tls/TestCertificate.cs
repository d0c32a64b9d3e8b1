using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Tests.Tls;

/// <summary>A self-signed certificate of these tests.</summary>
public static class TestCertificate
{
    public static TlsCertificate Server { get; } = Make("mx.example.test");

    public static TlsCertificate Make(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return new TlsCertificate(SslStreamCertificateContext.Create(certificate, [], offline: true), certificate.GetCertHash(HashAlgorithmName.SHA256));
    }

    /// <summary>A client's handshake over a stream; it takes <see cref="Server"/> only.</summary>
    public static async Task<SslStream> ConnectAsync(Stream clear, string serverName, CancellationToken cancellationToken)
    {
        var stream = new SslStream(clear, leaveInnerStreamOpen: false, (_, certificate, _, _) => Server.Context.TargetCertificate.Equals(certificate));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = serverName }, cancellationToken);
        return stream;
    }
}
