using System.Net;
using Azure.Core;
using Azure.Core.Pipeline;
using MailGrains.Storage.Azure.Vault;
using MailGrains.Testing.Azure;

namespace MailGrains.Storage.Azure.Tests.Vault;

/// <summary>A vault of a test's own, reached under a vault's name.</summary>
internal sealed class VaultFixture : IAsyncDisposable
{
    private readonly TestAuthority _authority = new();
    private ConnectProxy? _proxy;
    private HttpClient? _client;

    private VaultFixture()
    {
    }

    public KeyVaultServer Server { get; private set; } = null!;

    public static async Task<VaultFixture> StartAsync()
    {
        var fixture = new VaultFixture();
        fixture.Server = await KeyVaultServer.StartAsync(fixture._authority);
        fixture._proxy = new ConnectProxy(host => host == KeyVaultServer.Host ? fixture.Server.Port : null);
        fixture._client = new HttpClient(new SocketsHttpHandler
        {
            Proxy = new WebProxy(fixture._proxy.Uri),
            SslOptions = { CertificateChainPolicy = fixture._authority.Trusts() },
        });
        return fixture;
    }

    /// <param name="resource">Whom the identity's tokens are for, whatever is asked.</param>
    public VaultOptions Options(string? resource = null, TimeSpan? startTimeout = null) => new()
    {
        Uri = KeyVaultServer.Uri,
        StartTimeout = startTimeout ?? TimeSpan.FromSeconds(30),
        Credential = new TestCredential(resource),
        Transport = new HttpClientTransport(_client!),
    };

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }

        await Server.DisposeAsync();
        _authority.Dispose();
    }

    private sealed class TestCredential(string? resource) : TokenCredential
    {
        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext request, CancellationToken cancellationToken)
        {
            const string All = "/.default";
            var expires = DateTimeOffset.UtcNow.AddHours(1);
            Assert.EndsWith(All, Assert.Single(request.Scopes), StringComparison.Ordinal);
            return new(new AccessToken(AccessTokens.Issue(resource ?? request.Scopes[0][..^All.Length], DateTimeOffset.UtcNow, expires), expires));
        }

        public override AccessToken GetToken(TokenRequestContext request, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
