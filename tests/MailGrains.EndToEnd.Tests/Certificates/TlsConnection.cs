using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Certificates;

/// <summary>A client that takes any certificate and remembers it; it speaks in lines.</summary>
internal sealed class TlsConnection : IDisposable
{
    private readonly SslStream _stream;
    private StreamReader? _reader;
    private readonly X509Certificate2Collection _chain = [];

    private TlsConnection(Stream transport)
    {
        _stream = new SslStream(transport, leaveInnerStreamOpen: false, (_, certificate, chain, _) =>
        {
            foreach (var other in chain!.ChainPolicy.ExtraStore)
            {
                _chain.Add(X509CertificateLoader.LoadCertificate(other.RawData));
            }

            return certificate is not null;
        });
    }

    public X509Certificate2 Certificate => (X509Certificate2)_stream.RemoteCertificate!;

    public string Thumbprint => Certificate.Thumbprint;

    /// <summary>TLS from the first octet.</summary>
    public static async Task<TlsConnection> OpenAsync(IPEndPoint server, string name, CancellationToken cancellationToken)
    {
        var connection = new TlsConnection(await ConnectAsync(server, cancellationToken));
        await connection._stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name }, cancellationToken);
        return connection;
    }

    /// <summary>SMTP, and then STARTTLS (RFC 3207).</summary>
    public static async Task<TlsConnection> StartTlsAsync(IPEndPoint server, string name, CancellationToken cancellationToken)
    {
        var transport = await ConnectAsync(server, cancellationToken);
        await ReadReplyAsync(transport, cancellationToken);
        foreach (var line in new[] { "EHLO client.test\r\n", "STARTTLS\r\n" })
        {
            await transport.WriteAsync(Encoding.ASCII.GetBytes(line), cancellationToken);
            await ReadReplyAsync(transport, cancellationToken);
        }

        var connection = new TlsConnection(transport);
        await connection._stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name }, cancellationToken);
        return connection;
    }

    public bool LeadsTo(X509Certificate2 root)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.ExtraStore.AddRange(_chain);
        return chain.Build(Certificate);
    }

    public async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        _reader ??= new StreamReader(_stream, Encoding.ASCII);
        return await _reader.ReadLineAsync(cancellationToken) ?? throw new EndOfStreamException();
    }

    public async Task<string> AskAsync(string line, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), cancellationToken);
        return await ReadLineAsync(cancellationToken);
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _stream.Dispose();
    }

    private static async Task<NetworkStream> ConnectAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellationToken);
        return new NetworkStream(socket, ownsSocket: true);
    }

    // Octet by octet: what follows is TLS.
    private static async Task ReadReplyAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        var (line, octet) = (new StringBuilder(), new byte[1]);
        while (true)
        {
            await stream.ReadExactlyAsync(octet, cancellationToken);
            if (octet[0] != '\n')
            {
                line.Append((char)octet[0]);
            }
            else if (line.Length > 3 && line[3] != '-')
            {
                return;
            }
            else
            {
                line.Clear();
            }
        }
    }
}
