using System.Net;

namespace MailGrains.Gateways.Connections;

/// <summary>What a proxy said of the connection that it forwards: a feature of the connection.</summary>
/// <param name="Source">The client; null where the proxy speaks for itself (LOCAL) or names no address.</param>
internal sealed record ProxyHeader(IPEndPoint? Source, IPEndPoint? Destination)
{
    public static ProxyHeader WithoutAddress { get; } = new(null, null);
}
