using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Tls;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Tests.Tls;

public sealed class HandshakeTests : IDisposable
{
    private readonly TestCertificates _made = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public void Dispose()
    {
        _services.Dispose();
        _made.Dispose();
    }

    [Fact]
    public async Task AConnectionGoesOnWhenTheCertificateChangesAndTheNextSeesTheNewOne()
    {
        var former = _made.Write("tls.pem", "mx.hosting.test");
        using var store = Store();
        await using var running = await TlsPair.OpenAsync(store, "mx.hosting.test");
        Assert.Equal(former, running.Thumbprint);

        var next = _made.Write("tls.pem", "mx.hosting.test");
        await store.RefreshAsync(CancellationToken.None);

        await using var later = await TlsPair.OpenAsync(store, "mx.hosting.test");
        Assert.Equal(next, later.Thumbprint);
        await running.AssertTalksAsync();
        await later.AssertTalksAsync();
    }

    private CertificateStore Store()
    {
        var options = new TlsOptions { HostName = "mx.hosting.test", Certificates = [new CertificateFile(_made.At("tls.pem"))] };
        return new CertificateStore(
            options, _made.SelfSigned(options, TimeProvider.System), _services.GetRequiredService<IMeterFactory>(), TimeProvider.System,
            new RecordedLog<CertificateStore>());
    }

    /// <summary>Both ends of a TLS connection over loopback.</summary>
    private sealed class TlsPair(SslStream client, SslStream server) : IAsyncDisposable
    {
        public string Thumbprint => ((X509Certificate2)client.RemoteCertificate!).Thumbprint;

        public static async Task<TlsPair> OpenAsync(CertificateStore store, string name)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var socket = new TcpClient();
            var accepting = listener.AcceptTcpClientAsync();
            await socket.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
            var server = new SslStream((await accepting).GetStream());
            var client = new SslStream(socket.GetStream(), false, (_, _, _, errors) => !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch));
            await Task.WhenAll(
                server.AuthenticateAsServerAsync((_, hello, _, _) => ValueTask.FromResult(Options(store, hello)), null),
                client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name }));
            return new TlsPair(client, server);
        }

        public async Task AssertTalksAsync()
        {
            var octet = new byte[1];
            await client.WriteAsync(new byte[] { 7 });
            await server.ReadExactlyAsync(octet);
            await server.WriteAsync(octet);
            await client.ReadExactlyAsync(octet);
            Assert.Equal(7, octet[0]);
            Assert.True(client.SslProtocol is SslProtocols.Tls12 or SslProtocols.Tls13);
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync();
            await server.DisposeAsync();
        }

        private static SslServerAuthenticationOptions Options(CertificateStore store, SslClientHelloInfo hello) => new()
        {
            ServerCertificateContext = store.Find(hello.ServerName).Context,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
    }
}
