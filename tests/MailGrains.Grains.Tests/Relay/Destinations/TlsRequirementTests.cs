using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tls;

namespace MailGrains.Grains.Tests.Relay.Destinations;

/// <summary>What is required of TLS, held against a server in a real handshake.</summary>
public sealed class TlsRequirementTests : IDisposable
{
    private const string Host = "mx.one.test";

    private readonly TestAuthority _authority = new();
    private readonly X509Certificate2 _certificate;
    private readonly List<TlsFailure> _tested = [];
    private string? _serverName;

    public TlsRequirementTests() => _certificate = _authority.Issue(Host);

    private TlsRequirement Dane(int usage, X509Certificate2 certificate) => new(TlsLevel.Dane)
    {
        ServerName = "base.one.test",
        ReferenceNames = ["one.test", Host],
        Associations = [TlsaMatcherTests.Of(usage, 1, 1, certificate)],
    };

    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public async Task DaneTakesWhatItsRecordsName()
    {
        using var other = _authority.Issue(Host);

        Assert.Null(await ConnectAsync(Dane(3, _certificate)));
        Assert.Equal("base.one.test", _serverName);
        Assert.Null(await ConnectAsync(Dane(2, _authority.Intermediate)));
        Assert.Equal(TlsFailureKind.Refused, (await ConnectAsync(Dane(3, other)))?.Kind);
        Assert.Equal(TlsFailureKind.HostMismatch, (await ConnectAsync(Dane(2, _authority.Intermediate) with { ReferenceNames = ["two.test"] }))?.Kind);
    }

    [Fact]
    public async Task PkixTakesATrustedCertificateForTheHost()
    {
        Assert.Null(await ConnectAsync(TlsRequirement.Pkix(Host)));
        Assert.Equal(Host, _serverName);
        Assert.Equal(TlsResultType.CertificateHostMismatch, (await ConnectAsync(TlsRequirement.Pkix("two.test")))?.ResultType());
        Assert.Equal(TlsResultType.CertificateNotTrusted, (await ConnectAsync(TlsRequirement.Pkix(Host), roots: null))?.ResultType());
    }

    [Fact]
    public async Task OpportunisticTlsTakesAnybody()
    {
        Assert.Null(await ConnectAsync(TlsRequirement.Opportunistic, roots: null));
        Assert.Null(await ConnectAsync(TlsRequirement.Required, roots: null, host: "[192.0.2.1]"));
        Assert.Equal("", _serverName);
    }

    [Fact]
    public async Task APolicyThatIsTestedTakesAnybodyAndSaysWhatItWouldHaveRefused()
    {
        var tested = TlsRequirement.Opportunistic with { IsTested = true, ReferenceNames = [Host] };

        Assert.Null(await ConnectAsync(tested));
        Assert.Empty(_tested);
        Assert.Null(await ConnectAsync(tested, roots: null));
        Assert.Equal(TlsFailureKind.NotTrusted, Assert.Single(_tested).Kind);
    }

    [Fact]
    public void WithoutTlsThereIsNoHandshake()
    {
        Assert.Null(TlsRequirement.None.ClientPolicy(Host, null, TimeProvider.System, _tested.Add));
    }

    [Fact]
    public void WhatIsVerifiedAlreadyIsEnoughForRequireTls()
    {
        Assert.Equal(TlsLevel.Dane, Dane(3, _certificate).AtLeastVerified(Host).Level);
        Assert.Equal(["a.test"], TlsRequirement.Pkix("a.test").AtLeastVerified(Host).ReferenceNames);
        var raised = TlsRequirement.Required.AtLeastVerified(Host);
        Assert.Equal(TlsLevel.Pkix, raised.Level);
        Assert.Equal([Host], raised.ReferenceNames);
    }

    private Task<TlsFailure?> ConnectAsync(TlsRequirement requirement) => ConnectAsync(requirement, _authority.Roots);

    private async Task<TlsFailure?> ConnectAsync(TlsRequirement requirement, X509Certificate2Collection? roots, string host = Host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener);
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await using var connection = new SmtpClientConnection(
            new Transport(PipeReader.Create(stream), PipeWriter.Create(stream)), new SmtpClientOptions { HelloName = "us.test" }, TimeProvider.System);
        var result = await connection.OpenAsync(requirement.ClientPolicy(host, roots, TimeProvider.System, _tested.Add));
        client.Close();
        await serving;
        Assert.Equal(result.Tls is null, connection.Tls is not null);
        return result.Tls;
    }

    private async Task ServeAsync(TcpListener listener)
    {
        using var client = await listener.AcceptTcpClientAsync();
        await using var tls = new SslStream(client.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync((_, hello, _, _) =>
            {
                _serverName = hello.ServerName;
                return ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = SslStreamCertificateContext.Create(_certificate, [_authority.Intermediate], offline: true),
                });
            }, null);
            await tls.WriteAsync("220 mx.one.test\r\n"u8.ToArray());
            await tls.ReadExactlyAsync(new byte["EHLO us.test\r\n".Length]);
            await tls.WriteAsync("250 mx.one.test\r\n"u8.ToArray());
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // The client has refused.
        }
    }

    private sealed record Transport(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
