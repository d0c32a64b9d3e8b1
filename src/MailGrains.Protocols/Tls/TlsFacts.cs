using System.Security.Authentication;

namespace MailGrains.Protocols.Tls;

/// <summary>What was agreed in a handshake.</summary>
/// <param name="CipherSuite">The registered name.</param>
/// <param name="ServerName">What the client asked for (SNI), or null.</param>
/// <param name="EndPointBinding">Of the certificate that we presented; see <see cref="TlsCertificate"/>. A client has none.</param>
public sealed record TlsFacts(SslProtocols Protocol, string CipherSuite, string? ServerName, ReadOnlyMemory<byte> EndPointBinding)
{
    /// <summary>Such as <c>TLS1.3</c>, for trace fields and logs.</summary>
    public string Version => Protocol switch
    {
        SslProtocols.Tls13 => "TLS1.3",
        SslProtocols.Tls12 => "TLS1.2",
        _ => "TLS",
    };
}
