using MailGrains.Storage.Azure.Vault;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Storage.Azure.Tests.Vault;

/// <summary>A vault's secrets as settings, by the SDK with all that it checks.</summary>
public sealed class VaultSettingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Secrets_of_our_prefix_that_are_enabled_become_settings_over_all_pages()
    {
        await using var vault = await VaultFixture.StartAsync();
        vault.Server.Set("MailGrains--Admin--ApiKey", "the key");
        vault.Server.Set("MailGrains--Relay--Routes--0--Password", "the password");
        vault.Server.Set("mailgrains--Demo--Password", "in lower case");
        vault.Server.Set("MailGrains--Old", "gone", enabled: false);
        vault.Server.Set("Another--Admin--ApiKey", "not ours");
        vault.Server.Set("MailGrainsToo", "not ours either");

        var settings = await VaultSettings.ReadAsync(vault.Options(), NullLogger.Instance, TimeProvider.System, Token);

        Assert.Equal(
            [("MailGrains:Admin:ApiKey", "the key"), ("MailGrains:Relay:Routes:0:Password", "the password"), ("mailgrains:Demo:Password", "in lower case")],
            settings.Select(s => (s.Key, s.Value)).OrderBy(s => s.Key, StringComparer.Ordinal));
    }

    [Fact]
    public async Task While_a_role_spreads_they_are_asked_for_again()
    {
        await using var vault = await VaultFixture.StartAsync();
        vault.Server.Set("MailGrains--Admin--ApiKey", "the key");
        vault.Server.Refuse(1);

        Assert.Single(await VaultSettings.ReadAsync(vault.Options(), NullLogger.Instance, TimeProvider.System, Token));
        Assert.Equal(1, vault.Server.Refused);
    }

    [Fact]
    public async Task A_vault_that_never_lets_us_in_ends_the_start_in_time_and_says_nothing_of_its_secrets()
    {
        await using var vault = await VaultFixture.StartAsync();
        vault.Server.Set("MailGrains--Admin--ApiKey", "the key");
        vault.Server.Refuse(100);

        var refused = await Assert.ThrowsAsync<StoreException>(
            () => VaultSettings.ReadAsync(vault.Options(startTimeout: TimeSpan.Zero), NullLogger.Instance, TimeProvider.System, Token));
        Assert.Equal(StoreFailure.Unavailable, refused.Failure);
        Assert.Contains("403", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("the key", refused.ToString(), StringComparison.Ordinal);
    }
}
