using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailGrains.Testing.Azurite;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace MailGrains.Testing.Azure;

/// <summary>
/// Azurite's table service under the names that accounts have in Azure: it understands transactions only where the account stands in the path, so that
/// requests, and the addresses within transactions, are led there.
/// </summary>
public sealed class TableFront : IAsyncDisposable
{
    // Azure's own limit of a transaction.
    private const int MaxBytes = 4 * 1024 * 1024;

    // Of the one connection, or of the body that is read whole.
    private static readonly string[] NotForwarded = ["Host", "Connection", "Content-Length", "Transfer-Encoding", "Expect"];

    private readonly AzuriteServer _azurite;
    private readonly X509Certificate2 _certificate;
    private readonly HttpClient _client;
    private readonly WebApplication _app;

    private TableFront(AzuriteServer azurite, TestAuthority authority)
    {
        _azurite = azurite;
        var (certificate, key) = authority.Issue("tables", "*.table.core.windows.net");
        _certificate = X509Certificate2.CreateFromPemFile(certificate, key);
        _client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = authority.Trusts() },
        });
        _app = LoopbackServer.Build(_certificate);
        _app.Run(ForwardAsync);
    }

    public int Port => LoopbackServer.PortOf(_app);

    /// <param name="azurite">Serves https by the same authority.</param>
    public static async Task<TableFront> StartAsync(AzuriteServer azurite, TestAuthority authority)
    {
        var front = new TableFront(azurite, authority);
        await front._app.StartAsync();
        return front;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
        _certificate.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        var asked = context.Request;
        var (outside, inside) = ($"https://{asked.Host.Value}/", $"https://127.0.0.1:{_azurite.TablePort}/{asked.Host.Host.Split('.')[0]}/");
        using var request = new HttpRequestMessage(new HttpMethod(asked.Method), inside + asked.Path.ToUriComponent()[1..] + asked.QueryString)
        {
            Content = new ByteArrayContent(await BodyAsync(asked, outside, inside)),
        };
        foreach (var (name, value) in asked.Headers.Where(header => !NotForwarded.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            if (!request.Headers.TryAddWithoutValidation(name, value.AsEnumerable()))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value.AsEnumerable());
            }
        }

        using var answer = await _client.SendAsync(request, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, value) in answer.Headers.Concat(answer.Content.Headers).Where(header => !NotForwarded.Contains(header.Key, StringComparer.OrdinalIgnoreCase)))
        {
            context.Response.Headers[name] = value.ToArray();
        }

        if (answer.StatusCode != HttpStatusCode.NoContent)
        {
            await answer.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
    }

    private static async Task<byte[]> BodyAsync(HttpRequest request, string outside, string inside)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        if (body.Length > MaxBytes)
        {
            throw new InvalidOperationException("Azure would not take a request of this size.");
        }

        // A transaction's parts have requests of their own in them.
        return request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true
            ? Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(body.ToArray()).Replace(outside, inside, StringComparison.Ordinal))
            : body.ToArray();
    }
}
