using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>An answer as it was read, whole.</summary>
/// <param name="Location">Of the resource that was made or found.</param>
/// <param name="RetryAfter">How long the server wants us to wait.</param>
internal sealed record AcmeReply(Uri Url, byte[] Body, Uri? Location, TimeSpan? RetryAfter);

/// <summary>
/// Requests to one server: https, on loopback http too; no redirects, answers bounded in size and time. Every failure is an <see cref="AcmeException"/>.
/// A nonce that the server does not want (RFC 8555 §6.5) is replaced by the one that came with the refusal.
/// </summary>
/// <param name="trustedRoot">PEM of roots that are trusted in place of the system's; null: the system's.</param>
internal sealed class AcmeConnection(string? trustedRoot, TimeProvider time) : IDisposable
{
    private const int MaxAnswerBytes = 128 * 1024;
    private const int MaxNonceTries = 12;
    private const int MaxNonces = 8;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromDays(7);
    private static readonly MediaTypeHeaderValue JoseJson = new("application/jose+json");

    private readonly HttpClient _http = MakeClient(trustedRoot);
    private readonly Lock _gate = new();
    private readonly Queue<string> _nonces = [];

    /// <summary>A resource that needs no signature.</summary>
    public async Task<AcmeReply> GetAsync(Uri url, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Checked(url));
        return Succeeded(await SendAsync(request, cancellationToken));
    }

    /// <param name="payload">JSON; empty: POST-as-GET.</param>
    /// <param name="newNonce">Where nonces are given.</param>
    /// <param name="accept">The media type wanted, where it is not JSON.</param>
    public async Task<AcmeReply> PostAsync(
        Uri url, AcmeKey key, Uri? account, ReadOnlyMemory<byte> payload, Uri newNonce, CancellationToken cancellationToken, string? accept = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            var nonce = TakeNonce() ?? await FetchNonceAsync(newNonce, cancellationToken);
            using var request = new HttpRequestMessage(HttpMethod.Post, Checked(url))
            {
                Content = new ByteArrayContent(key.Sign(url, nonce, account, payload.Span)) { Headers = { ContentType = JoseJson } },
            };
            if (accept is not null)
            {
                request.Headers.Accept.ParseAdd(accept);
            }

            var answer = await SendAsync(request, cancellationToken);
            if (answer.Problem is not { Kind: AcmeException.BadNonce } || attempt == MaxNonceTries)
            {
                return Succeeded(answer);
            }
        }
    }

    public static T Read<T>(AcmeReply reply, JsonTypeInfo<T> type) where T : class => Parse(reply.Body, type)
        ?? throw new AcmeException(AcmeException.NoAnswer, $"{reply.Url.Host} gave an answer that can't be read");

    public void Dispose() => _http.Dispose();

    private static HttpClient MakeClient(string? trustedRoot)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = 8 };
        if (trustedRoot is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPem(trustedRoot);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        var client = new HttpClient(handler) { Timeout = RequestTimeout, MaxResponseContentBufferSize = MaxAnswerBytes };

        // RFC 8555 §6.1
        client.DefaultRequestHeaders.UserAgent.ParseAdd("MailGrains/1");
        return client;
    }

    // What a server's JSON names may be anything, nothing too.
    private static Uri Checked(Uri? url) =>
        url is { IsAbsoluteUri: true } && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            ? url
            : throw new AcmeException(AcmeException.NoAnswer, $"'{url?.OriginalString}' is no https address");

    private static AcmeReply Succeeded((AcmeReply Reply, AcmeException? Problem) answer) => answer.Problem is null ? answer.Reply : throw answer.Problem;

    private async Task<string> FetchNonceAsync(Uri newNonce, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, Checked(newNonce));
        Succeeded(await SendAsync(request, cancellationToken));
        return TakeNonce() ?? throw new AcmeException(AcmeException.NoAnswer, $"{newNonce.Host} gave no nonce");
    }

    private async Task<(AcmeReply Reply, AcmeException? Problem)> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var url = request.RequestUri!;
        try
        {
            // Whole, and no more than the client's bound, before it returns.
            using var response = await _http.SendAsync(request, cancellationToken);
            KeepNonce(response);
            var retryAfter = RetryAfterOf(response.Headers.RetryAfter);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            var reply = new AcmeReply(url, body, LocationOf(response, url), retryAfter);
            return (reply, response.IsSuccessStatusCode ? null : ProblemOf(response, body, retryAfter));
        }
        catch (Exception e) when (e is HttpRequestException or IOException or CryptographicException ||
            (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            var why = e is OperationCanceledException ? "no answer in time" : (e.InnerException ?? e).Message;
            throw new AcmeException(AcmeException.NoAnswer, $"{url.Host} can't be asked: {why}", inner: e);
        }
    }

    private static AcmeException ProblemOf(HttpResponseMessage response, byte[] body, TimeSpan? retryAfter)
    {
        var what = $"{response.RequestMessage!.RequestUri!.Host} answered {(int)response.StatusCode}";
        var problem = response.Content.Headers.ContentType?.MediaType is { } media && media.EndsWith("json", StringComparison.OrdinalIgnoreCase)
            ? Parse(body, AcmeJson.Default.AcmeProblem)
            : null;
        return problem is null && (int)response.StatusCode is >= 400 and < 500
            ? new AcmeException(response.StatusCode == HttpStatusCode.TooManyRequests ? AcmeException.RateLimited : AcmeException.Refused, what, retryAfter)
            : AcmeException.Of(problem, what, retryAfter);
    }

    private static T? Parse<T>(byte[] body, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(body, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Uri? LocationOf(HttpResponseMessage response, Uri url) =>
        response.Headers.Location is { } location && Uri.TryCreate(url, location, out var whole) ? whole : null;

    private TimeSpan? RetryAfterOf(RetryConditionHeaderValue? header)
    {
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is { } span ? TimeSpan.FromTicks(Math.Clamp(span.Ticks, 0, MaxRetryAfter.Ticks)) : null;
    }

    private string? TakeNonce()
    {
        lock (_gate)
        {
            return _nonces.TryDequeue(out var nonce) ? nonce : null;
        }
    }

    private void KeepNonce(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Replay-Nonce", out var values) || values.FirstOrDefault() is not { Length: > 0 } nonce)
        {
            return;
        }

        lock (_gate)
        {
            // The newest are the likeliest to be good still.
            while (_nonces.Count >= MaxNonces)
            {
                _nonces.Dequeue();
            }

            _nonces.Enqueue(nonce);
        }
    }
}
