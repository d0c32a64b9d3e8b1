using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Core;

namespace MailGrains.Deployment;

/// <summary>Asks one Azure endpoint in JSON, with tokens for it.</summary>
public sealed class AzureEndpoint
{
    /// <summary>An answer of more is not read: the largest one known, a region's sizes of machines, has some 4 MB.</summary>
    public const int MaxAnswerBytes = 32 * 1024 * 1024;

    private readonly HttpClient _client;
    private readonly TokenCredential _credential;
    private readonly Uri _address;
    private readonly TokenRequestContext _token;

    /// <param name="client">Its limits and trust are those of all requests.</param>
    /// <param name="credential">Who asks.</param>
    /// <param name="address">https only: tokens go there.</param>
    /// <param name="scope">What tokens are for, such as <c>https://vault.azure.net/.default</c>.</param>
    /// <param name="tenantId">Whose tokens; null: the credential's own tenant.</param>
    /// <exception cref="HookException">The address is not https.</exception>
    public AzureEndpoint(HttpClient client, TokenCredential credential, Uri address, string scope, string? tenantId)
    {
        if (address.Scheme != Uri.UriSchemeHttps)
        {
            throw new HookException($"{address} is not an https address: no token is sent there.");
        }

        _client = client;
        _credential = credential;
        _address = address;
        _token = new TokenRequestContext([scope], tenantId: tenantId);
    }

    /// <param name="pathAndQuery">From the endpoint's address on.</param>
    /// <exception cref="HttpRequestException">There was no answer, or one that is too large.</exception>
    public Task<AzureAnswer> GetAsync(string pathAndQuery, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, pathAndQuery, null, cancellationToken);

    /// <inheritdoc cref="GetAsync" />
    public Task<AzureAnswer> PutAsync(string pathAndQuery, object body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, pathAndQuery, body, cancellationToken);

    /// <summary>Without a body.</summary>
    /// <inheritdoc cref="GetAsync" />
    public Task<AzureAnswer> PostAsync(string pathAndQuery, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, pathAndQuery, null, cancellationToken);

    private async Task<AzureAnswer> SendAsync(HttpMethod method, string pathAndQuery, object? body, CancellationToken cancellationToken)
    {
        var token = await _credential.GetTokenAsync(_token, cancellationToken);
        using var request = new HttpRequestMessage(method, new Uri(_address.GetLeftPart(UriPartial.Authority) + pathAndQuery));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Token);
        request.Content = body is null ? null : JsonContent.Create(body);
        using var response = await ReceiveAsync(request, cancellationToken);
        return new AzureAnswer(
            response.StatusCode,
            Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken)),
            response.Headers.RetryAfter?.Delta);
    }

    private async Task<HttpResponseMessage> ReceiveAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _client.SendAsync(request, cancellationToken);
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"{request.RequestUri?.Host} did not answer within {_client.Timeout.TotalSeconds:0} s.");
        }
    }

    private static JsonElement Parse(byte[] content)
    {
        try
        {
            return JsonDocument.Parse(content).RootElement;
        }
        catch (JsonException)
        {
            // A proxy's page, or nothing: the status says enough.
            return default;
        }
    }
}

/// <param name="Status">HTTP's.</param>
/// <param name="Body">Undefined where the answer was not JSON.</param>
/// <param name="RetryAfter">When the endpoint wants to be asked again.</param>
public sealed record AzureAnswer(HttpStatusCode Status, JsonElement Body, TimeSpan? RetryAfter)
{
    /// <summary>The code of an error, the innermost one: <c>ForbiddenByRbac</c> rather than <c>Forbidden</c>. Null: it has none.</summary>
    public string? ErrorCode
    {
        get
        {
            string? code = null;
            for (var error = Body.Member("error"); error is { ValueKind: JsonValueKind.Object }; error = error.Value.Member("innererror"))
            {
                code = error.Value.Text("code") ?? code;
            }

            return code;
        }
    }
}
