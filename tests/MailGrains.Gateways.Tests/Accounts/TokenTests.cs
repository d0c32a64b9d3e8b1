using System.Net;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Accounts;
using MailGrains.Protocols.Sasl;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace MailGrains.Gateways.Tests.Accounts;

/// <summary>Tokens (OAUTHBEARER, XOAUTH2) of an issuer that the tenant names.</summary>
[Collection(SharedGateways.Name)]
public sealed class TokenTests(GatewayCluster cluster) : IAsyncLifetime
{
    private TestIssuer _issuer = null!;
    private TestTenant _tenant = null!;
    private string _ann = "";

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync();
        _tenant = await TestTenant.CreateAsync(cluster, "ann", "bob");
        _ann = _tenant.Address("ann");
        await TrustAsync(_tenant, _issuer.Url);
    }

    [Fact]
    public async Task TokenOfTheTenantsIssuerLogsItsUserIn()
    {
        var result = await CheckAsync(_ann, _issuer.TokenFor(_ann));
        Assert.Equal(SaslStatus.Accepted, result.Status);
        var account = Assert.IsType<AccountIdentity>(result.Identity).Account;
        Assert.Equal((_tenant.Name, _ann), (account.Tenant, account.Address));
    }

    [Fact]
    public async Task TokenAloneNamesTheUserWhereTheClientDoesNot() =>
        Assert.Equal(SaslStatus.Accepted, (await CheckAsync("", _issuer.TokenFor(_ann))).Status);

    [Fact]
    public async Task WhatIsNotTheIssuersWordIsRefused()
    {
        var stranger = TestIssuer.NewKey("first");
        var shared = new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)) { KeyId = "first" };
        var (header, payload) = (_issuer.TokenFor(_ann).Split('.')[0], _issuer.TokenFor(_ann).Split('.')[1]);
        var tokens = new Dictionary<string, string>
        {
            ["alg none"] = $"{Base64Url("""{"alg":"none","typ":"JWT"}""")}.{payload}.",
            ["no signature"] = $"{header}.{payload}.",
            ["wrong key of the same name"] = _issuer.TokenFor(_ann, credentials: new SigningCredentials(stranger, SecurityAlgorithms.EcdsaSha256)),
            ["shared key"] = _issuer.TokenFor(_ann, credentials: new SigningCredentials(shared, SecurityAlgorithms.HmacSha256)),
            ["wrong issuer"] = _issuer.TokenFor(_ann, issuer: "https://elsewhere.test"),
            ["wrong audience"] = _issuer.TokenFor(_ann, audience: "calendar"),
            ["expired"] = _issuer.TokenFor(_ann, expires: DateTime.UtcNow.AddMinutes(-2)),
            ["another user"] = _issuer.TokenFor(_tenant.Address("bob")),
            ["no such claim"] = _issuer.TokenFor(_ann, claim: "name"),
            ["address that is not verified"] = _issuer.TokenFor(_ann, more: false),
            ["no token"] = "what is this?",
            ["empty"] = "",
        };
        foreach (var (what, token) in tokens)
        {
            Assert.True((await CheckAsync(_ann, token)).Status == SaslStatus.BadCredentials, what);
        }
    }

    [Fact]
    public async Task TokenOfAnotherTenantsIssuerOpensNothing()
    {
        await using var other = await TestTenant.CreateAsync(cluster, "eve");
        await using var issuer = await TestIssuer.StartAsync();
        await TrustAsync(other, issuer.Url);
        Assert.Equal(SaslStatus.Accepted, (await CheckAsync(other.Address("eve"), issuer.TokenFor(other.Address("eve")))).Status);
        Assert.Equal(SaslStatus.BadCredentials, (await CheckAsync(_ann, issuer.TokenFor(_ann))).Status);
        Assert.Equal(SaslStatus.BadCredentials, (await CheckAsync(_ann, issuer.TokenFor(_ann, issuer: _issuer.Url))).Status);
    }

    [Fact]
    public async Task TenantWithoutAnIssuerTakesNoTokens()
    {
        await using var other = await TestTenant.CreateAsync(cluster, "eve");
        Assert.Equal(SaslStatus.BadCredentials, (await CheckAsync(other.Address("eve"), _issuer.TokenFor(other.Address("eve")))).Status);
    }

    [Fact]
    public async Task DisabledAccountStaysShutForATokenToo()
    {
        Assert.True(AddressName.TryParse(_ann, out var address));
        var settings = new MailboxSettings(null, null) { Account = AccountSettings.Default with { Disabled = true } };
        Assert.Equal(PutStatus.Changed, (await _tenant.Grain.PutMailboxAsync(address, settings, TestContext.Current.CancellationToken)).Status);
        Assert.Equal(SaslStatus.Disabled, (await CheckAsync(_ann, _issuer.TokenFor(_ann))).Status);
    }

    [Fact]
    public async Task KeysAreKeptAndReadAgainForANewOneNotEachTime()
    {
        var logins = NewLogins();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(SaslStatus.Accepted, (await CheckAsync(logins, _ann, _issuer.TokenFor(_ann))).Status);
        }

        Assert.Equal(1, _issuer.KeysRead);
        var stranger = new SigningCredentials(TestIssuer.NewKey("unknown"), SecurityAlgorithms.EcdsaSha256);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(SaslStatus.BadCredentials, (await CheckAsync(logins, _ann, _issuer.TokenFor(_ann, credentials: stranger))).Status);
        }

        Assert.Equal(1, _issuer.KeysRead);
    }

    [Fact]
    public async Task ManyTokensAtOnceAreCheckedByOneReadingOfTheKeys()
    {
        var checks = Enumerable.Range(0, 20).Select(_ => CheckAsync(_ann, _issuer.TokenFor(_ann)).AsTask());
        Assert.All(await Task.WhenAll(checks), result => Assert.Equal(SaslStatus.Accepted, result.Status));
        Assert.Equal(1, _issuer.KeysRead);
    }

    [Fact]
    public async Task AfterAMinuteAnUnknownKeyIsLookedForAndTheFormerOnesOutliveAnIssuerThatIsDown()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var http = new HttpClient();
        var keys = new IssuerKeys(http, time);
        var issuer = new OAuthIssuer(_issuer.Url, TestIssuer.Audience, "email", null);
        var cancellation = TestContext.Current.CancellationToken;
        Assert.Equal("first", Assert.Single(await keys.OfAsync(issuer, cancellation)).KeyId);
        _issuer.ChangeKey("second");
        Assert.Equal("first", Assert.Single(await keys.AgainAsync(issuer, cancellation)).KeyId);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal("second", Assert.Single(await keys.AgainAsync(issuer, cancellation)).KeyId);
        await _issuer.DisposeAsync();
        time.Advance(TimeSpan.FromDays(1));
        Assert.Equal("second", Assert.Single(await keys.OfAsync(issuer, cancellation)).KeyId);
    }

    [Fact]
    public async Task IssuerThatIsDownIsNotAskedForEveryLogin()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var handler = new CountedFailures();
        using var http = new HttpClient(handler);
        var keys = new IssuerKeys(http, time);
        var issuer = new OAuthIssuer("https://down.test", TestIssuer.Audience, "email", null);
        var cancellation = TestContext.Current.CancellationToken;
        for (var i = 0; i < 5; i++)
        {
            await Assert.ThrowsAsync<InvalidOperationException>(() => keys.OfAsync(issuer, cancellation));
        }

        var asked = handler.Count;
        time.Advance(TimeSpan.FromMinutes(2));
        await Assert.ThrowsAsync<InvalidOperationException>(() => keys.OfAsync(issuer, cancellation));
        Assert.Equal(2 * asked, handler.Count);
    }

    [Fact]
    public async Task IssuerThatCanNotBeReachedIsATemporaryFailure()
    {
        var token = _issuer.TokenFor(_ann);
        await _issuer.DisposeAsync();
        Assert.Equal(SaslStatus.Unavailable, (await CheckAsync(_ann, token)).Status);
    }

    public async ValueTask DisposeAsync()
    {
        await _issuer.DisposeAsync();
        await _tenant.DisposeAsync();
    }

    private static async Task TrustAsync(TestTenant tenant, string issuer) => Assert.Equal(
        PutStatus.Changed,
        (await tenant.Grain.PutAsync(new TenantSettings(null) { OAuth = new OAuthIssuer(issuer, TestIssuer.Audience, "email", null) }, default)).Status);

    private sealed class CountedFailures : HttpMessageHandler
    {
        public int Count { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Count++;
            throw new HttpRequestException("down");
        }
    }

    private static string Base64Url(string text) => Base64UrlEncoder.Encode(Encoding.UTF8.GetBytes(text));

    // An address of its own each time: failures of one test lock nobody out of another.
    private AccountLogins NewLogins() => cluster.Services.GetRequiredService<LoginParts>().For(
        AccessScope.Smtp, new IPAddress(RandomNumberGenerator.GetBytes(16)));

    private ValueTask<SaslResult> CheckAsync(string user, string token) => CheckAsync(NewLogins(), user, token);

    private static ValueTask<SaslResult> CheckAsync(AccountLogins logins, string user, string token) =>
        logins.CheckTokenAsync(new BearerCredentials(user, "", token), TestContext.Current.CancellationToken);
}
