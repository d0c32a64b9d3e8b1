using System.Buffers.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using MailGrains.Storage.Secrets;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Azure.Vault;

/// <summary>
/// A key of Azure Key Vault, as what wraps the installation's data key (RSA-OAEP-256). The vault's roles: Key Vault Crypto Service Encryption User.
/// Asked at the start of a process only, each request until <see cref="VaultOptions.StartTimeout"/>.
/// Source: Azure Key Vault REST API, "Get Key", "Wrap Key", "Unwrap Key", version 7.4.
/// </summary>
public sealed partial class VaultKey
{
    private const string ApiVersion = "?api-version=7.4";
    private const string Algorithm = "RSA-OAEP-256";

    private readonly VaultOptions _options;
    private readonly HttpPipeline _pipeline;
    private readonly StartRetry _retry;

    public VaultKey(VaultOptions options, ILogger logger, TimeProvider time)
    {
        _options = options;
        _retry = new StartRetry(options.StartTimeout, logger, time);
        _pipeline = HttpPipelineBuilder.Build(
            options.Configure(new ClientOptionsOfKeys()), new BearerTokenAuthenticationPolicy(options.Credential, options.Scope));
    }

    public WrappingKey Wrapping => new(WrapAsync, UnwrapAsync, FindNewestAsync);

    private async Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        var newest = await FindNewestAsync(cancellationToken).ConfigureAwait(false);
        return new WrappedKey(newest, await OperateAsync(newest, "wrapkey", octets, cancellationToken).ConfigureAwait(false));
    }

    private Task<byte[]> UnwrapAsync(WrappedKey wrapped, CancellationToken cancellationToken) => VersionPath().IsMatch(wrapped.Wrapper)
        ? OperateAsync(wrapped.Wrapper, "unwrapkey", wrapped.Octets, cancellationToken)
        : throw new StoreException(StoreFailure.Unreadable, "The data key in the store does not say by which key of the vault it is wrapped.");

    private async Task<string> FindNewestAsync(CancellationToken cancellationToken)
    {
        using var key = await RequestAsync(RequestMethod.Get, _options.DataKey, body: null, cancellationToken).ConfigureAwait(false);

        // https://{vault}/keys/{name}/{version}
        return key.RootElement.TryGetProperty("key", out var material) && material.TryGetProperty("kid", out var id) &&
            Uri.TryCreate(id.GetString(), UriKind.Absolute, out var uri) && $"{_options.DataKey}/{uri.Segments[^1]}" is var path && VersionPath().IsMatch(path)
                ? path
                : throw Unexpected();
    }

    private async Task<byte[]> OperateAsync(string key, string operation, ReadOnlyMemory<byte> octets, CancellationToken cancellationToken)
    {
        var body = new { alg = Algorithm, value = Base64Url.EncodeToString(octets.Span) };
        using var result = await RequestAsync(RequestMethod.Post, $"{key}/{operation}", body, cancellationToken).ConfigureAwait(false);
        return result.RootElement.TryGetProperty("value", out var value) && value.GetString() is { } text && Base64Url.IsValid(text)
            ? Base64Url.DecodeFromChars(text)
            : throw Unexpected();
    }

    private Task<JsonDocument> RequestAsync(RequestMethod method, string path, object? body, CancellationToken cancellationToken) =>
        _retry.RunAsync("The vault's key", token => SendAsync(method, path, body, token), cancellationToken);

    private async Task<JsonDocument> SendAsync(RequestMethod method, string path, object? body, CancellationToken cancellationToken)
    {
        using var message = _pipeline.CreateMessage();
        message.Request.Method = method;
        message.Request.Uri.Reset(new Uri(_options.Uri, $"/keys/{path}{ApiVersion}"));
        message.Request.Headers.Add(HttpHeader.Common.JsonAccept);
        if (body is not null)
        {
            message.Request.Headers.Add(HttpHeader.Common.JsonContentType);
            message.Request.Content = RequestContent.Create(body);
        }

        var what = $"The key '{_options.DataKey}' of {_options.Uri.Host}";
        try
        {
            await _pipeline.SendAsync(message, cancellationToken).ConfigureAwait(false);
            if (message.Response.IsError)
            {
                throw new RequestFailedException(message.Response);
            }

            return JsonDocument.Parse(message.Response.Content);
        }
        catch (RequestFailedException e) when (e.Status == 400)
        {
            // It is no RSA key, or has not wrapped these octets: no time will mend that.
            throw new StoreException(StoreFailure.Unreadable, AzureFailure.OfRead(what, e).Message, e);
        }
        catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw AzureFailure.OfRead(what, e);
        }
    }

    private StoreException Unexpected() =>
        new(StoreFailure.Unavailable, $"The key '{_options.DataKey}' of {_options.Uri.Host}: the service's answer is not understood.");

    // Names and versions of keys: letters, digits, hyphens. What stands in the store must lead to nothing else in the vault.
    [GeneratedRegex("^[0-9A-Za-z-]{1,127}/[0-9A-Za-z]{1,64}$", RegexOptions.NonBacktracking)]
    private static partial Regex VersionPath();

    private sealed class ClientOptionsOfKeys : ClientOptions;
}
