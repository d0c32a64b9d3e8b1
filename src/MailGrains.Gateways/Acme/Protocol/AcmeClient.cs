using System.Buffers.Text;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MailGrains.Gateways.Acme.Protocol;

/// <summary>
/// One account at one certificate authority (RFC 8555): a method for each request that we make. The account is made where there is none for the key.
/// Safe for several orders at a time. Whatever goes wrong is an <see cref="AcmeException"/>.
/// </summary>
internal sealed class AcmeClient : IDisposable
{
    private const string ChainType = "application/pem-certificate-chain";

    private readonly AcmeConnection _connection;
    private readonly AcmeKey _key;
    private readonly AcmeDirectory _directory;
    private Uri? _account;

    private AcmeClient(AcmeConnection connection, AcmeKey key, AcmeDirectory directory) => (_connection, _key, _directory) = (connection, key, directory);

    public bool HasRenewalInfo => _directory.RenewalInfo is not null;

    /// <summary>Reads the directory and signs in. The terms of service are agreed to, as whoever sets the directory does.</summary>
    /// <param name="contact">A mail address; null: none is given.</param>
    /// <param name="trustedRoot">PEM; see <see cref="AcmeConnection"/>.</param>
    public static async Task<AcmeClient> OpenAsync(
        Uri directory, string accountKeyPem, string? contact, string? trustedRoot, TimeProvider time, CancellationToken cancellationToken)
    {
        var connection = new AcmeConnection(trustedRoot, time);
        var key = AcmeKey.FromPem(accountKeyPem);
        try
        {
            var found = AcmeConnection.Read(await connection.GetAsync(directory, cancellationToken), AcmeJson.Default.AcmeDirectory);
            var client = new AcmeClient(connection, key, found);
            await client.SignInAsync(contact is null ? [] : [$"mailto:{contact}"], cancellationToken);
            return client;
        }
        catch
        {
            connection.Dispose();
            key.Dispose();
            throw;
        }
    }

    public string KeyAuthorization(string token) => _key.KeyAuthorization(token);

    /// <param name="replaces">The certificate that it takes the place of; null: none, or nobody is to know.</param>
    public async Task<(Uri Url, AcmeOrder Order)> NewOrderAsync(IEnumerable<string> names, X509Certificate2? replaces, CancellationToken cancellationToken)
    {
        AcmeIdentifier[] identifiers = [.. names.Select(AcmeIdentifier.Dns)];
        var request = new AcmeNewOrder(identifiers, replaces is not null && HasRenewalInfo ? RenewalId(replaces) : null);
        AcmeReply reply;
        try
        {
            reply = await PostAsync(_directory.NewOrder, request, AcmeJson.Default.AcmeNewOrder, cancellationToken);
        }
        catch (AcmeException e) when (request.Replaces is not null && e.Kind is not (AcmeException.RateLimited or AcmeException.NoAnswer))
        {
            // RFC 9773 §5: it may have been replaced already, or be of another account or authority; a certificate is needed all the same.
            reply = await PostAsync(_directory.NewOrder, request with { Replaces = null }, AcmeJson.Default.AcmeNewOrder, cancellationToken);
        }

        var url = reply.Location ?? throw new AcmeException(AcmeException.NoAnswer, "An order was made without an address");
        return (url, AcmeConnection.Read(reply, AcmeJson.Default.AcmeOrder));
    }

    public Task<(AcmeOrder Order, TimeSpan? RetryAfter)> GetOrderAsync(Uri url, CancellationToken cancellationToken) =>
        GetAsync(url, AcmeJson.Default.AcmeOrder, cancellationToken);

    public Task<(AcmeAuthorization Authorization, TimeSpan? RetryAfter)> GetAuthorizationAsync(Uri url, CancellationToken cancellationToken) =>
        GetAsync(url, AcmeJson.Default.AcmeAuthorization, cancellationToken);

    /// <summary>Tells the authority that the challenge is answered (RFC 8555 §7.5.1).</summary>
    public async Task AnswerAsync(AcmeChallenge challenge, CancellationToken cancellationToken) =>
        await PostAsync(challenge.Url, "{}"u8.ToArray(), cancellationToken);

    /// <param name="request">A certificate request (PKCS #10) in DER.</param>
    public async Task FinalizeAsync(AcmeOrder order, byte[] request, CancellationToken cancellationToken) =>
        await PostAsync(order.Finalize, new AcmeFinalize(Base64Url.EncodeToString(request)), AcmeJson.Default.AcmeFinalize, cancellationToken);

    /// <summary>The chain as PEM, leaf first (RFC 8555 §7.4.2).</summary>
    public async Task<string> DownloadAsync(Uri certificate, CancellationToken cancellationToken) =>
        Encoding.ASCII.GetString((await PostAsync(certificate, default, cancellationToken, ChainType)).Body);

    /// <summary>When the authority wants a certificate to be renewed; null where it does not say.</summary>
    /// <returns>Also when to ask again, where it says so.</returns>
    public async Task<(AcmeWindow Window, TimeSpan? AskAgainAfter)?> RenewalWindowAsync(X509Certificate2 certificate, CancellationToken cancellationToken)
    {
        if (_directory.RenewalInfo is not { } info || RenewalId(certificate) is not { } id ||
            !Uri.TryCreate($"{info.OriginalString.TrimEnd('/')}/{id}", UriKind.Absolute, out var address))
        {
            return null;
        }

        try
        {
            var reply = await _connection.GetAsync(address, cancellationToken);
            var window = AcmeConnection.Read(reply, AcmeJson.Default.AcmeRenewalInfo).SuggestedWindow;
            return window.Start < window.End ? (window, reply.RetryAfter) : null;
        }
        catch (AcmeException)
        {
            // RFC 9773 §4.3: then it is renewed as if there were no such thing.
            return null;
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _key.Dispose();
    }

    /// <summary>RFC 9773 §4.1; null where the certificate does not name its issuer's key.</summary>
    internal static string? RenewalId(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier is { } issuer
            ? $"{Base64Url.EncodeToString(issuer.Span)}.{Base64Url.EncodeToString(certificate.SerialNumberBytes.Span)}"
            : null;

    // RFC 8555 §7.3, §7.3.1, §7.3.2
    private async Task SignInAsync(string[] contact, CancellationToken cancellationToken)
    {
        AcmeReply reply;
        try
        {
            reply = await PostAsync(_directory.NewAccount, new AcmeAccount(OnlyReturnExisting: true), AcmeJson.Default.AcmeAccount, cancellationToken);
        }
        catch (AcmeException e) when (e.Kind == AcmeException.AccountDoesNotExist)
        {
            var account = new AcmeAccount(contact.Length > 0 ? contact : null, TermsOfServiceAgreed: true);
            reply = await PostAsync(_directory.NewAccount, account, AcmeJson.Default.AcmeAccount, cancellationToken);
        }

        _account = reply.Location ?? throw new AcmeException(AcmeException.NoAnswer, "The account has no address");
        var known = AcmeConnection.Read(reply, AcmeJson.Default.AcmeAccount);
        if (known.Status is not (null or AcmeStatus.Valid))
        {
            throw new AcmeException(AcmeException.NoAnswer, $"The account is {known.Status}");
        }

        // Where the authority shows no contacts, there is nothing to compare with.
        if (known.Contact is { Count: > 0 } former && contact.Length > 0 && !former.SequenceEqual(contact, StringComparer.OrdinalIgnoreCase))
        {
            await PostAsync(_account, new AcmeAccount(contact), AcmeJson.Default.AcmeAccount, cancellationToken);
        }
    }

    private async Task<(T, TimeSpan?)> GetAsync<T>(Uri url, JsonTypeInfo<T> type, CancellationToken cancellationToken) where T : class
    {
        var reply = await PostAsync(url, default, cancellationToken);
        return (AcmeConnection.Read(reply, type), reply.RetryAfter);
    }

    private Task<AcmeReply> PostAsync<T>(Uri url, T payload, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        PostAsync(url, JsonSerializer.SerializeToUtf8Bytes(payload, type), cancellationToken);

    private Task<AcmeReply> PostAsync(Uri url, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken, string? accept = null) =>
        _connection.PostAsync(url, _key, _account, payload, _directory.NewNonce, cancellationToken, accept);
}
