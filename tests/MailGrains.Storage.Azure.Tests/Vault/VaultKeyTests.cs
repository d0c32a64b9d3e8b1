using System.Security.Cryptography;
using MailGrains.Storage.Azure.Vault;
using MailGrains.Storage.Secrets;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Storage.Azure.Tests.Vault;

/// <summary>The vault's key over the vault's own protocol.</summary>
public sealed class VaultKeyTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_the_newest_version_wraps_each_later_time_unwraps_by_that_version()
    {
        await using var vault = await VaultFixture.StartAsync();
        var key = Key(vault.Options());
        var octets = RandomNumberGenerator.GetBytes(32);
        var first = vault.Server.Key.Newest;

        var wrapped = await key.WrapAsync(octets, Token);
        vault.Server.Key.Rotate();

        Assert.Equal($"mailgrains-data/{first}", wrapped.Wrapper);
        Assert.Equal(octets, await key.UnwrapAsync(wrapped, Token));
        Assert.Equal($"mailgrains-data/{vault.Server.Key.Newest}", await key.NewestAsync(Token));
        Assert.NotEqual(wrapped.Wrapper, (await key.WrapAsync(octets, Token)).Wrapper);
    }

    [Fact]
    public async Task While_a_role_spreads_it_is_asked_again()
    {
        await using var vault = await VaultFixture.StartAsync();
        vault.Server.Refuse(1);

        await Key(vault.Options()).NewestAsync(Token);

        Assert.Equal(1, vault.Server.Refused);
    }

    [Theory]
    [InlineData("mailgrains-data", "403")]
    [InlineData("another", "404")]
    public async Task What_is_never_given_ends_the_start_in_time_with_the_keys_name_and_the_status(string name, string status)
    {
        await using var vault = await VaultFixture.StartAsync();
        vault.Server.Refuse(status == "403" ? 100 : 0);

        var refused = await Assert.ThrowsAsync<StoreException>(
            () => Key(vault.Options(startTimeout: TimeSpan.Zero) with { DataKey = name }).WrapAsync(new byte[32], Token));
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        Assert.Contains(status, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_of_another_service_is_refused()
    {
        await using var vault = await VaultFixture.StartAsync();

        var refused = await Assert.ThrowsAsync<StoreException>(
            () => Key(vault.Options("https://storage.azure.com", TimeSpan.Zero)).NewestAsync(Token));
        Assert.Contains("401", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Octets_that_it_has_not_wrapped_are_no_matter_of_time()
    {
        await using var vault = await VaultFixture.StartAsync();
        var foreign = new WrappedKey($"mailgrains-data/{vault.Server.Key.Newest}", RandomNumberGenerator.GetBytes(256));

        var refused = await Assert.ThrowsAsync<StoreException>(() => Key(vault.Options()).UnwrapAsync(foreign, Token));
        Assert.Equal(StoreFailure.Unreadable, refused.Failure);
    }

    [Theory]
    [InlineData("")]
    [InlineData("mailgrains-data")]
    [InlineData("../secrets/MailGrains--Admin--ApiKey")]
    [InlineData("mailgrains-data/1/2")]
    [InlineData("mailgrains-data/1?x=y")]
    public async Task What_stands_in_the_store_leads_to_nothing_but_a_key(string wrapper)
    {
        await using var vault = await VaultFixture.StartAsync();

        var refused = await Assert.ThrowsAsync<StoreException>(() => Key(vault.Options()).UnwrapAsync(new WrappedKey(wrapper, new byte[256]), Token));
        Assert.Equal((StoreFailure.Unreadable, 0), (refused.Failure, vault.Server.Operations));
    }

    [Theory]
    [InlineData("https://mail-1.vault.azure.net/", "https://vault.azure.net/.default")]
    [InlineData("https://mail-1.vault.usgovcloudapi.net/", "https://vault.usgovcloudapi.net/.default")]
    [InlineData("https://mail-1.vault.azure.cn", "https://vault.azure.cn/.default")]
    public void Tokens_are_asked_for_the_vaults_service_in_its_cloud(string uri, string scope) =>
        Assert.Equal(scope, new VaultOptions { Uri = new Uri(uri) }.Scope);

    private static WrappingKey Key(VaultOptions options) => new VaultKey(options, NullLogger.Instance, TimeProvider.System).Wrapping;
}
