using System.Net.Security;

namespace MailGrains.Gateways.Tls;

/// <summary>What a handshake needs; it stays usable by those who hold it after the store has another.</summary>
/// <param name="EndPointBinding">tls-server-end-point (RFC 5929 §4): the certificate's hash; empty where its signature has no hash that could be taken.</param>
public sealed record TlsCertificate(SslStreamCertificateContext Context, byte[] EndPointBinding);
