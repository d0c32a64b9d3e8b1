using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Testing.Daemons;

/// <summary>
/// Pebble, a certificate authority that speaks ACME (RFC 8555) and forgets everything when it ends, and beside it pebble-challtestsrv as its DNS: every
/// name is 127.0.0.1 there unless something else is said.
/// </summary>
public sealed class PebbleServer : IAsyncDisposable
{
    private readonly DaemonProcess _pebble = new("pebble");
    private readonly DaemonProcess _dns = new("challtestsrv");
    private readonly HttpClient _management = new(new HttpClientHandler
    {
        // Its certificate is our own, and nothing of it is told to anybody.
        ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
    });

    private readonly Uri _dnsManagement = Local("http", FreePort.Choose());
    private readonly Uri _pebbleManagement = Local("https", FreePort.Choose());

    private readonly ServerCertificate _certificate;
    private readonly int _httpPort;
    private readonly int _refusedNonces;
    private bool _isStopped;

    private PebbleServer(int httpPort, int refusedNonces)
    {
        (_httpPort, _refusedNonces) = (httpPort, refusedNonces);
        _certificate = new ServerCertificate(_pebble.Folder, "pebble.test");
    }

    public Uri Directory { get; } = new(Local("https", FreePort.Choose()), "/dir");

    /// <summary>PEM file of the root that its own https needs; not that of the certificates that it issues.</summary>
    public string TrustedRoot => _certificate.CertificatePath;

    /// <summary>Its resolver.</summary>
    public IPEndPoint Dns { get; } = new(IPAddress.Loopback, FreePort.Choose());

    /// <summary>The test is skipped where it is not installed.</summary>
    /// <param name="httpPort">Where it looks for answers to HTTP-01.</param>
    /// <param name="refusedNonces">Of a hundred good ones.</param>
    /// <param name="isDown">Only its resolver answers until <see cref="StartAuthorityAsync"/>.</param>
    public static async Task<PebbleServer> StartAsync(int httpPort, int refusedNonces = 0, bool isDown = false)
    {
        var server = new PebbleServer(httpPort, refusedNonces);
        try
        {
            await server.StartDnsAsync();
            if (!isDown)
            {
                await server.StartAuthorityAsync();
            }

            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The root of what it issues.</summary>
    public async Task<X509Certificate2> RootAsync(CancellationToken cancellationToken) =>
        X509Certificate2.CreateFromPem(await _management.GetStringAsync(new Uri(_pebbleManagement, "/roots/0"), cancellationToken));

    /// <summary>The name has this address and no other.</summary>
    public async Task PointAsync(string name, string address, CancellationToken cancellationToken)
    {
        await TellDnsAsync("clear-a", new { host = name + "." }, cancellationToken);
        await TellDnsAsync("add-a", new { host = name + ".", addresses = new[] { address } }, cancellationToken);
    }

    /// <summary>Ends it for good; its resolver still answers.</summary>
    public async Task StopAuthorityAsync()
    {
        if (!_isStopped)
        {
            _isStopped = true;
            await _pebble.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _management.Dispose();
        await StopAuthorityAsync();
        await _dns.DisposeAsync();
    }

    private static Uri Local(string scheme, int port) => new(string.Create(CultureInfo.InvariantCulture, $"{scheme}://127.0.0.1:{port}"));

    private async Task TellDnsAsync(string order, object body, CancellationToken cancellationToken)
    {
        using var answer = await _management.PostAsJsonAsync(new Uri(_dnsManagement, order), body, cancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    private async Task StartDnsAsync()
    {
        string[] arguments =
        [
            "-dns01", Dns.ToString(), "-management", _dnsManagement.Authority, "-http01", "", "-https01", "", "-tlsalpn01", "",
            "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "",
        ];
        await _dns.StartAsync(DebianProgram.Require("pebble-challtestsrv", "pebble"), arguments, async cancel =>
        {
            using var answer = await _management.PostAsJsonAsync(new Uri(_dnsManagement, "clear-a"), new { host = "none.test." }, cancel);
            return answer.IsSuccessStatusCode;
        });
    }

    public async Task StartAuthorityAsync()
    {
        var configuration = _pebble.WriteFile("pebble.json", string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "pebble": {
                "listenAddress": "{{Directory.Authority}}",
                "managementListenAddress": "{{_pebbleManagement.Authority}}",
                "certificate": "{{_certificate.CertificatePath}}",
                "privateKey": "{{_certificate.KeyPath}}",
                "httpPort": {{_httpPort}},
                "tlsPort": 1,
                "ocspResponderURL": "",
                "externalAccountBindingRequired": false
              }
            }
            """));
        string[] arguments =
        [
            "PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", string.Create(CultureInfo.InvariantCulture, $"PEBBLE_WFE_NONCEREJECT={_refusedNonces}"),
            DebianProgram.Require("pebble", "pebble"), "-config", configuration, "-dnsserver", Dns.ToString(), "-strict",
        ];
        await _pebble.StartAsync("/usr/bin/env", arguments, async cancel => (await _management.GetStringAsync(Directory, cancel)).Length > 0);
    }
}
