using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Host.Tests.Configuration;

public sealed class VaultSettingsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task Without_an_address_there_is_no_vault_and_the_settings_stay_as_they_are(string? address)
    {
        using var configuration = new ConfigurationManager();
        configuration["MailGrains:Vault:Uri"] = address;
        var before = configuration.AsEnumerable().ToList();

        Assert.Null(await Providers.AddVaultSettingsAsync(configuration, NullLogger.Instance, Token));
        Assert.Equal(before, configuration.AsEnumerable());
    }

    [Fact]
    public void Without_a_vault_no_secret_is_sealed_so_plain_ones_can_not_be_refused()
    {
        using var configuration = new ConfigurationManager();
        configuration["MailGrains:Vault:TakesPlain"] = "false";

        var error = Assert.Throws<SettingsException>(() => Providers.ReadVault(new SettingsReader(configuration)));
        Assert.Contains("MailGrains:Vault:TakesPlain", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public void Plain_secrets_are_taken_unless_they_are_refused(string? value, bool taken)
    {
        using var configuration = new ConfigurationManager();
        configuration["MailGrains:Vault:Uri"] = "https://mail-1.vault.azure.net/";
        configuration["MailGrains:Vault:TakesPlain"] = value;

        Assert.Equal(taken, Providers.ReadVault(new SettingsReader(configuration))!.TakesPlain);
    }

    [Theory]
    [InlineData("mail-1")]
    [InlineData("http://mail-1.vault.azure.net/")]
    [InlineData("https://vault/")]
    [InlineData("https://127.0.0.1/")]
    public async Task An_address_that_is_no_vaults_is_refused_before_anything_is_asked(string address)
    {
        using var configuration = new ConfigurationManager();
        configuration["MailGrains:Vault:Uri"] = address;

        var error = await Assert.ThrowsAsync<SettingsException>(() => Providers.AddVaultSettingsAsync(configuration, NullLogger.Instance, Token));
        Assert.Contains("MailGrains:Vault:Uri", error.Message, StringComparison.Ordinal);
    }
}
