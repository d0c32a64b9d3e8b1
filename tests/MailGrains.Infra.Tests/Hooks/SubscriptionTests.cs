using System.Net;
using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>That an answer of another form than Azure documents tells nothing, and says so, as no answer does.</summary>
public sealed class SubscriptionTests
{
    private const string Good = """
        {"resourceType": "virtualMachines", "name": "Standard_D2as_v5", "family": "standardDASv5Family", "capabilities": [{"name": "vCPUs", "value": "2"}],
         "locationInfo": [{"location": "westeurope", "zones": ["1", "2"]}],
         "restrictions": [{"type": "Zone", "restrictionInfo": {"zones": ["2"]}}]}
        """;

    [Fact]
    public async Task A_size_and_a_quota_are_read_as_they_are_documented()
    {
        var sizes = Subscription($$"""{"value": [{{Good}}], "nextLink": ""}""");
        var usages = Subscription("""{"value": [{"name": {"value": "cores"}, "currentValue": 3, "limit": 10}]}""");

        var (told, size) = await sizes.MachineSizeAsync("westeurope", "standard_d2as_v5", TestContext.Current.CancellationToken);
        Assert.True(told);
        Assert.Equal(("standardDASv5Family", 2), (size!.Family, size.Cpus));
        Assert.Equal(["1"], size.Zones);
        Assert.Equal(new Quota(3, 10), (await usages.QuotasAsync("westeurope", TestContext.Current.CancellationToken))["CORES"]);
        Assert.Empty(sizes.Silences.Concat(usages.Silences));
    }

    [Theory]
    [InlineData("\"vCPUs\"", "\"cores\"")]
    [InlineData("\"value\": \"2\"", "\"value\": \"two\"")]
    [InlineData("\"value\": \"2\"", "\"value\": \"99999999999\"")]
    [InlineData("\"value\": \"2\"", "\"value\": 2")]
    [InlineData("\"zones\": [\"1\", \"2\"]", "\"zones\": [1, 2]")]
    [InlineData("\"restrictionInfo\": {\"zones\": [\"2\"]}", "\"restrictionInfo\": {\"zones\": [2]}")]
    public async Task A_size_that_is_not_understood_is_not_known(string known, string odd)
    {
        Assert.Contains(known, Good, StringComparison.Ordinal);
        var subscription = Subscription($$"""{"value": [{{Good.Replace(known, odd, StringComparison.Ordinal)}}]}""");

        Assert.Equal((false, null), await subscription.MachineSizeAsync("westeurope", "Standard_D2as_v5", TestContext.Current.CancellationToken));
        Assert.Contains("Microsoft.Compute/skus: an answer that is not understood", Assert.Single(subscription.Silences), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name": {"value": "cores"}}""")]
    [InlineData("""{"name": {"value": "cores"}, "currentValue": "3", "limit": 10}""")]
    [InlineData("""{"name": {"value": "cores"}, "currentValue": 3, "limit": 10.5}""")]
    [InlineData("""{"name": {"value": "a"}, "currentValue": 3, "limit": 10}, {"name": {"value": "A"}, "currentValue": 3, "limit": 10}""")]
    public async Task A_quota_that_is_not_understood_is_not_known(string usage)
    {
        var subscription = Subscription($$"""{"value": [{{usage}}]}""");

        Assert.Empty(await subscription.QuotasAsync("westeurope", TestContext.Current.CancellationToken));
        Assert.Contains("locations/westeurope/usages: an answer that is not understood", Assert.Single(subscription.Silences), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"value": [], "nextLink": "no address"}""")]
    [InlineData("""{"value": {}}""")]
    [InlineData("{}")]
    public async Task A_list_that_is_not_whole_is_none(string body)
    {
        var subscription = Subscription(body);

        Assert.Null(await subscription.ResourcesAsync("rg-some", "Microsoft.Storage/storageAccounts", "2024-01-01", TestContext.Current.CancellationToken));
        Assert.Contains("Microsoft.Storage/storageAccounts: an answer that is not understood", Assert.Single(subscription.Silences), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://elsewhere.test/next?api-version=2024-01-01", "/next")]
    [InlineData("https://management.azure.com//elsewhere.test/next?api-version=2024-01-01", "//elsewhere.test/next")]
    public async Task The_next_page_is_asked_for_at_the_endpoint_that_the_token_is_for(string link, string path)
    {
        var answers = new ManagementAnswers((_, asked) =>
            (HttpStatusCode.OK, asked == path ? """{"value": []}""" : $$"""{"value": [], "nextLink": "{{link}}"}"""));

        Assert.Empty((await answers.Subscription().ResourcesAsync("rg-some", "Microsoft.Storage/storageAccounts", "2024-01-01", TestContext.Current.CancellationToken))!);
        Assert.Equal(path, answers.Requests[^1].Path);
    }

    [Theory]
    [InlineData(50, true)]
    [InlineData(51, false)]
    public async Task A_list_that_is_cut_off_is_none(int pages, bool whole)
    {
        var asked = 0;
        var answers = new ManagementAnswers((_, _) => (
            HttpStatusCode.OK, $$"""{"value": [{}], "nextLink": "{{(++asked < pages ? "https://management.azure.com/next?api-version=2024-01-01" : "")}}"}"""));
        var subscription = answers.Subscription();

        var list = await subscription.ResourcesAsync("rg-some", "Microsoft.Storage/storageAccounts", "2024-01-01", TestContext.Current.CancellationToken);

        Assert.Equal(whole ? pages : null, list?.Count);
        Assert.Equal(
            whole ? [] : [$"/subscriptions/{ManagementAnswers.SubscriptionId}/resourceGroups/rg-some/providers/Microsoft.Storage/storageAccounts: a list of more than 50 pages"],
            subscription.Silences);
    }

    [Fact]
    public async Task A_deleted_vault_of_no_group_is_nobodys()
    {
        var subscription = Subscription("""
            {"value": [{"properties": {"vaultId": "kv-abc", "location": "westeurope", "tags": {"azd-env-name": "try"}}},
                       {"properties": {"vaultId": "/subscriptions/s/resourceGroups/rg-try/providers/Microsoft.KeyVault/vaults/kv-abc", "location": "westeurope"}}]}
            """);

        var vault = Assert.Single((await subscription.DeletedVaultsAsync(TestContext.Current.CancellationToken))!);
        Assert.Equal("/subscriptions/s/resourceGroups/rg-try", vault.Group);
    }

    [Fact]
    public async Task A_group_that_is_not_there_has_nothing()
    {
        var azure = new ManagementAnswers((_, _) => (HttpStatusCode.NotFound, """{"error": {"code": "ResourceGroupNotFound"}}""")).Subscription();

        Assert.Empty((await azure.ResourcesAsync("rg-some", "Microsoft.Storage/storageAccounts", "2024-01-01", TestContext.Current.CancellationToken))!);
        Assert.Empty(azure.Silences);
    }

    private static Subscription Subscription(string body) => new ManagementAnswers((_, _) => (HttpStatusCode.OK, body)).Subscription();
}
