using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Grains.Relay.Destinations.Sts;

/// <summary>
/// Fetches policies by HTTPS (RFC 8461 §3.3). Anybody who sends mail chooses the domain, and its owner where its name leads: so addresses are looked at after
/// they are found, the connection goes to those that were looked at, and nothing is followed from there.
/// </summary>
internal sealed class StsPolicyFetch : IDisposable
{
    private const int Parallelism = 32;
    private const int MaxHeaderKilobytes = 16;
    private const int HttpsPort = 443;

    // RFC 8461 §3.3 suggests it.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    private readonly AnswerCache _dns;
    private readonly DestinationOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly SemaphoreSlim _slots = new(Parallelism);

    public StsPolicyFetch(AnswerCache dns, DestinationOptions options, TimeProvider time)
    {
        (_dns, _options, _time) = (dns, options, time);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectCallback = ConnectAsync,
            ConnectTimeout = Limit,
            MaxResponseDrainSize = 0,
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            PooledConnectionLifetime = TimeSpan.Zero,
            SslOptions = TlsOptions(options.Roots),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public void Dispose()
    {
        _http.Dispose();
        _slots.Dispose();
    }

    /// <summary>Ends within a minute, and never throws.</summary>
    public async Task<StsFetchResult> FetchAsync(string domain)
    {
        using var limit = new CancellationTokenSource(Limit, _time);
        try
        {
            await _slots.WaitAsync(limit.Token);
            try
            {
                return await FetchAsync(domain, limit.Token);
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return StsFetchResult.Failed(TlsResultType.StsPolicyFetchError, "no answer in time");
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            return StsFetchResult.Failed(TlsResultType.StsWebPkiInvalid, "the certificate of the policy's host is not trusted, or not for it");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return StsFetchResult.Failed(TlsResultType.StsPolicyFetchError, Reason(e));
        }
    }

    private async Task<StsFetchResult> FetchAsync(string domain, CancellationToken cancellationToken)
    {
        // RFC 8461 §3.2
        var port = _options.PolicyPort == HttpsPort ? "" : $":{_options.PolicyPort}";
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"https://mta-sts.{domain}{port}/.well-known/mta-sts.txt"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/plain"));
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

        // RFC 8461 §3.3: neither redirects nor anything else but 200.
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return StsFetchResult.Failed(TlsResultType.StsPolicyFetchError, $"HTTP status {(int)response.StatusCode}");
        }

        if (response.Content.Headers.ContentType?.MediaType?.Equals("text/plain", StringComparison.OrdinalIgnoreCase) != true)
        {
            return StsFetchResult.Failed(TlsResultType.StsPolicyInvalid, "the policy is not text/plain");
        }

        var buffer = new byte[StsPolicy.MaxBytes + 1];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length > StsPolicy.MaxBytes ? StsFetchResult.Failed(TlsResultType.StsPolicyInvalid, $"the policy has more than {StsPolicy.MaxBytes} octets")
            : StsPolicy.TryParse(buffer.AsSpan(0, length), out var policy, out var fault) ? new StsFetchResult(policy, null, "")
            : StsFetchResult.Failed(TlsResultType.StsPolicyInvalid, fault);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = await HostAddresses.FindAsync(_dns, context.DnsEndPoint.Host, _options.PreferIPv6, IsAllowed, cancellationToken);
        foreach (var address in host.Addresses)
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                using var limit = new CancellationTokenSource(ConnectLimit, _time);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
                await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), both.Token);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                socket.Dispose();
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        throw new HttpRequestException(host.Addresses.Length > 0 ? "the policy's host does not answer"
            : host.Failure is { } failure ? $"the addresses of the policy's host: {failure}"
            : "the policy's host has no address that is public");
    }

    private bool IsAllowed(IPAddress address) =>
        AddressScope.IsPublic(address) || _options.PolicyNetworks.Any(network => network.Contains(AddressScope.Plain(address)));

    private static SslClientAuthenticationOptions TlsOptions(X509Certificate2Collection? roots)
    {
        // What a certificate names (its issuer's, revocation lists) is not fetched: it would lead past the guard.
        var policy = new X509ChainPolicy { RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        if (roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(roots);
        }

        return new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateChainPolicy = policy,

            // RFC 8461 §3.3: a DNS-ID, and no common name in its place.
            RemoteCertificateValidationCallback = (sender, certificate, _, errors) =>
                errors == SslPolicyErrors.None && certificate is X509Certificate2 leaf &&
                leaf.MatchesHostname(((SslStream)sender).TargetHostName, allowWildcards: true, allowCommonName: false),
        };
    }

    // Words of ours, or the name of an error: nothing that came over the network.
    private static string Reason(Exception e) => e switch
    {
        { InnerException: HttpRequestException ours } => ours.Message,
        HttpRequestException { HttpRequestError: var error } => error.ToString(),
        _ => "the connection was lost",
    };
}

/// <param name="Failure">Set where there is no policy.</param>
/// <param name="Reason">In our words.</param>
internal sealed record StsFetchResult(StsPolicy? Policy, TlsResultType? Failure, string Reason)
{
    public static StsFetchResult Failed(TlsResultType failure, string reason) => new(null, failure, reason);
}
