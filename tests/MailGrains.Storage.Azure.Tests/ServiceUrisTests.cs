using Microsoft.Extensions.Configuration;

namespace MailGrains.Storage.Azure.Tests;

/// <summary>The accounts as one value.</summary>
public sealed class ServiceUrisTests
{
    private const string Two = "https://mail0.blob.core.windows.net, https://mail1.blob.core.windows.net/";

    [Fact]
    public void Accounts_have_the_numbers_of_their_places_in_the_list()
    {
        var accounts = Bind(("ServiceUris", Two)).NumberedAccounts();

        Assert.Equal(
            ["https://mail0.table.core.windows.net/", "https://mail1.table.core.windows.net/"],
            accounts.Select((account, number) => account.TableAddress($"{number}").AbsoluteUri));
        Assert.Equal("https://mail1.blob.core.windows.net/", accounts[1].BlobAddress("1").AbsoluteUri);
    }

    [Fact]
    public void The_clusters_account_stands_beside_the_list()
    {
        var options = Bind(("ServiceUris", Two), ("Cluster:ServiceUri", "https://cluster.blob.core.windows.net"));

        Assert.Equal("https://cluster.table.core.windows.net/", options.Cluster!.TableAddress("Cluster").AbsoluteUri);
        Assert.Equal(2, options.NumberedAccounts().Count);
    }

    [Fact]
    public void An_empty_value_says_nothing()
    {
        Assert.Equal("UseDevelopmentStorage=true", Bind(("ServiceUris", ""), ("Accounts:0:ConnectionString", "UseDevelopmentStorage=true"))
            .NumberedAccounts().Single().ConnectionString);
        Assert.Contains("names no storage account", Refusal(Bind(("ServiceUris", " "))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mail0.blob.core.windows.net")]
    [InlineData("https://mail0.blob.core.windows.net,")]
    [InlineData("https://mail0.blob.core.windows.net,,https://mail1.blob.core.windows.net")]
    [InlineData("ftp://mail0.blob.core.windows.net")]
    [InlineData("https://mail0.blob.core.windows.net https://mail1.blob.core.windows.net")]
    [InlineData("https://mail0.blob.core.windows.net,https://MAIL0.blob.core.windows.net/")]
    public void What_is_no_list_of_addresses_is_refused_with_its_name(string value)
    {
        Assert.Contains("MailGrains:Storage:ServiceUris", Refusal(Bind(("ServiceUris", value))), StringComparison.Ordinal);
    }

    [Fact]
    public void Accounts_given_twice_are_refused()
    {
        Assert.Contains(
            "expected is one of them", Refusal(Bind(("ServiceUris", Two), ("Accounts:0:ServiceUri", "https://mail0.blob.core.windows.net"))),
            StringComparison.Ordinal);
    }

    private static string Refusal(AzureStorageOptions options) => Assert.Throws<InvalidOperationException>(() => options.NumberedAccounts()).Message;

    private static AzureStorageOptions Bind(params (string Name, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"{AzureStorageOptions.Section}:{s.Name}", (string?)s.Value)))
        .Build().GetSection(AzureStorageOptions.Section).Get<AzureStorageOptions>() ?? new AzureStorageOptions();
}
