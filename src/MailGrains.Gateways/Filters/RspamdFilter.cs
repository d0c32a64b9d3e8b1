using System.Net;
using System.Text;
using System.Text.Json;
using MailGrains.Messages.Headers;

namespace MailGrains.Gateways.Filters;

/// <summary>
/// rspamd over HTTP: a POST to <c>/checkv2</c>, the envelope in its header, trace and content as its body. Connections are pooled as far as
/// rspamd lets them live.
/// </summary>
public sealed class RspamdFilter : IMessageFilter
{
    private const int MaxAnswerBytes = 256 * 1024;

    /// <summary>rspamd takes 80 KiB of header; the first recipients tell it enough.</summary>
    private const int MaxRecipients = 100;

    private const int MaxConnections = 64;

    private readonly HttpClient _http;
    private readonly Uri _check;
    private readonly string? _password;

    /// <param name="url">Of rspamd's normal worker, such as http://127.0.0.1:11333.</param>
    /// <param name="password">Null: none is asked for.</param>
    public RspamdFilter(Uri url, string? password, FilterLimits limits)
    {
        Limits = limits;
        _password = password;
        _check = new Uri(url, "/checkv2");
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            MaxConnectionsPerServer = MaxConnections,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public string Name => "rspamd";

    public FilterLimits Limits { get; }

    public async ValueTask<FilterVerdict> CheckAsync(MessageFacts message, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _check) { Content = new MessageContent(message.Content) };
        AddEnvelope(request, message);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return FilterVerdict.Failure(Name, $"http-{(int)response.StatusCode}");
        }

        if (await ReadAsync(response.Content, cancellationToken) is not { } answer)
        {
            return FilterVerdict.Failure(Name, "endless-answer");
        }

        try
        {
            return JsonSerializer.Deserialize(answer.Span, RspamdJson.Default.RspamdAnswer)?.ToVerdict(Name) ?? FilterVerdict.Failure(Name, "broken-answer");
        }
        catch (JsonException)
        {
            return FilterVerdict.Failure(Name, "broken-answer");
        }
    }

    public void Dispose() => _http.Dispose();

    // https://rspamd.com/doc/developers/protocol.html, "HTTP headers".
    private void AddEnvelope(HttpRequestMessage request, MessageFacts message)
    {
        Add("Queue-Id", message.TraceId);
        Add("From", $"<{message.ReversePath}>");
        foreach (var recipient in message.Recipients.Take(MaxRecipients))
        {
            Add("Rcpt", $"<{recipient}>");
        }

        Add("IP", (message.Peer.IsIPv4MappedToIPv6 ? message.Peer.MapToIPv4() : message.Peer).ToString());
        Add("Helo", message.EhloName);
        Add("Hostname", message.ReverseName);
        Add("User", message.Login);
        Add("TLS-Version", message.TlsVersion);
        Add("Password", _password);

        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                request.Headers.TryAddWithoutValidation(name, HeaderText.Of(value).Value);
            }
        }
    }

    private static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var answer = new byte[8 * 1024];
        for (var length = 0; ;)
        {
            var read = await stream.ReadAsync(answer.AsMemory(length), cancellationToken);
            length += read;
            if (read == 0)
            {
                return answer.AsMemory(0, length);
            }

            if (length == answer.Length)
            {
                if (length == MaxAnswerBytes)
                {
                    return null;
                }

                Array.Resize(ref answer, Math.Min(length * 2, MaxAnswerBytes));
            }
        }
    }

    /// <summary>Trace and content, streamed; the length is known, so nothing is gathered.</summary>
    private sealed class MessageContent(FilteredContent message) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(message.Trace, cancellationToken);
            await using var content = await message.OpenAsync(cancellationToken);
            await content.CopyToAsync(stream, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = message.Trace.Length + message.Length;
            return true;
        }
    }
}
