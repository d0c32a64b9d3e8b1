using System.Net.Security;
using System.Security.Authentication;

namespace MailGrains.Protocols.Tls;

/// <summary>A certificate as a server presents it.</summary>
/// <param name="Context">The certificate with its key and chain; made once, since what TLS derives from it is kept there.</param>
/// <param name="EndPointBinding">
/// The channel binding tls-server-end-point (RFC 5929 §4.1): the certificate's hash; empty where it has none.
/// </param>
public sealed record TlsCertificate(SslStreamCertificateContext Context, ReadOnlyMemory<byte> EndPointBinding)
{
    /// <summary>For a server's handshake: TLS 1.2 and 1.3 (RFC 8996, RFC 9325), no certificate of the client's.</summary>
    public SslServerAuthenticationOptions ServerOptions() => new()
    {
        ServerCertificateContext = Context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        AllowRenegotiation = false,
        ClientCertificateRequired = false,
        EncryptionPolicy = EncryptionPolicy.RequireEncryption,
    };
}

/// <summary>Chooses a certificate by the name that the client asks for (SNI, RFC 6066 §3); null where it gave none.</summary>
public delegate TlsCertificate TlsCertificates(string? serverName);
