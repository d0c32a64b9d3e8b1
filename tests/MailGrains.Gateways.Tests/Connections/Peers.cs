using System.IO.Pipelines;
using System.Net;
using MailGrains.Gateways.Connections;
using Microsoft.AspNetCore.Connections;

namespace MailGrains.Gateways.Tests.Connections;

/// <summary>Connections that carry nothing, by their addresses.</summary>
internal static class Peers
{
    public static readonly ConnectionOptions NobodyTrusted = new() { TrustedNetworks = NetworkList.None };

    public static ConnectionContext Connection(string remote, string local = "127.0.0.1")
    {
        var pipe = new Pipe();
        return new DefaultConnectionContext(Guid.NewGuid().ToString("n"), new Both(pipe.Reader, pipe.Writer), new Both(pipe.Reader, pipe.Writer))
        {
            RemoteEndPoint = new IPEndPoint(IPAddress.Parse(remote), 40_000),
            LocalEndPoint = new IPEndPoint(IPAddress.Parse(local), 25),
        };
    }

    public static PeerFacts Peer(string remote, ConnectionOptions? options = null) => new(Connection(remote), options ?? NobodyTrusted);

    private sealed record Both(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
