using System.Net;
using System.Text.Json.Nodes;
using MailGrains.Deployment;
using MailGrains.Infra.Tests.Bicep;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class VaultRecoveryTests
{
    private const string Tenant = "22222222-2222-2222-2222-222222222222";
    private const string Group = $"/subscriptions/{ManagementAnswers.SubscriptionId}/resourceGroups/rg-prod";
    private const string Id = $"{Group}/providers/Microsoft.KeyVault/vaults/kv-abc";
    private const string NotFound = """{"error":{"code":"ResourceGroupNotFound"}}""";

    private static readonly DeletedVault Vault = new(Id, "westeurope", "prod");

    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _told = [];

    [Fact]
    public async Task It_is_brought_back_into_a_group_like_the_one_that_the_template_makes()
    {
        var polls = 0;
        var azure = new ManagementAnswers((method, path) => (method, path) switch
        {
            ("GET", Group) => (HttpStatusCode.NotFound, NotFound),
            ("GET", _) => (HttpStatusCode.OK, polls++ < 2 ? State("RegisteringDns") : State("Succeeded")),
            _ => (HttpStatusCode.Created, "{}"),
        });

        var finding = await RecoverAsync(azure);

        Assert.Equal(Weight.Good, finding.Weight);
        Assert.Equal([("GET", Group), ("PUT", Group), ("PUT", Id), ("GET", Id), ("GET", Id), ("GET", Id)], azure.Requests.Select(request => (request.Method, request.Path)));
        var template = Snapshot.Read(Snapshot.Production);
        var (group, vault) = (JsonNode.Parse(azure.Requests[1].Body)!, JsonNode.Parse(azure.Requests[2].Body)!);
        var (madeGroup, madeVault) = (template.OfType("Microsoft.Resources/resourceGroups").Single(), template.OfType("Microsoft.KeyVault/vaults").Single());
        Assert.Equal((madeGroup.Text("name"), madeGroup.Text("location"), madeGroup.Text("tags")), (Group.Split('/')[^1], group.Text("location"), group.Text("tags")));
        Assert.Equal((madeVault.Text("location"), madeVault.Text("properties.sku")), (vault.Text("location"), vault.Text("properties.sku")));
        Assert.Equal(("recover", Tenant), (vault.Text("properties.createMode"), vault.Text("properties.tenantId")));
        Assert.Contains("kv-abc", Assert.Single(_told), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_is_there_stays_as_it_is()
    {
        var azure = new ManagementAnswers((_, path) => (HttpStatusCode.OK, path == Group ? "{}" : State("Succeeded")));

        await RecoverAsync(azure);

        Assert.Equal([Id], azure.Requests.Where(request => request.Method == "PUT").Select(request => request.Path));
    }

    [Fact]
    public async Task A_group_that_is_being_deleted_stops_the_deployment()
    {
        var azure = new ManagementAnswers((method, _) =>
            method == "GET" ? (HttpStatusCode.NotFound, NotFound) : (HttpStatusCode.Conflict, """{"error":{"code":"ResourceGroupBeingDeleted"}}"""));

        var failure = await Assert.ThrowsAsync<HookException>(() => RecoverAsync(azure));

        Assert.Contains("ResourceGroupBeingDeleted", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(azure.Requests, request => request.Path == Id);
    }

    [Fact]
    public async Task A_refusal_stops_the_deployment_and_says_what_to_run()
    {
        var azure = new ManagementAnswers((method, path) =>
            (method, path) == ("PUT", Id) ? (HttpStatusCode.Forbidden, """{"error":{"code":"AuthorizationFailed"}}""") : (HttpStatusCode.OK, "{}"));

        var failure = await Assert.ThrowsAsync<HookException>(() => RecoverAsync(azure));

        Assert.Contains("403 AuthorizationFailed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("az keyvault recover --name kv-abc", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_not_waited_for_for_ever()
    {
        var started = _time.GetUtcNow();

        await Assert.ThrowsAsync<HookException>(() => RecoverAsync(new ManagementAnswers((_, _) => (HttpStatusCode.OK, State("RegisteringDns")))));

        Assert.InRange(_time.GetUtcNow() - started, VaultRecovery.Patience - TimeSpan.FromMinutes(1), VaultRecovery.Patience + TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Only_the_environments_own_vault_is_meant()
    {
        var azure = new ManagementAnswers((_, _) => (HttpStatusCode.OK, $$$$"""
            {"value":[
              {"name":"kv-abc","properties":{"vaultId":"{{{{Id}}}}","location":"westeurope","tags":{"azd-env-name":"prod"}}},
              {"name":"kv-bare","properties":{"vaultId":"{{{{Id}}}}","location":"westeurope"}},
              {"name":"kv-odd"}]}
            """));

        var vaults = await azure.Subscription().DeletedVaultsAsync(TestContext.Current.CancellationToken);

        Assert.Equal([Vault, Vault with { Environment = null }], vaults!);
        Assert.Equal($"/subscriptions/{ManagementAnswers.SubscriptionId}/providers/Microsoft.KeyVault/deletedVaults", azure.Requests.Single().Path);
        Assert.True(Vault.IsOf("prod", "rg-prod", "westeurope"));
        Assert.False(vaults![1].IsOf("prod", "rg-prod", "westeurope"));
        Assert.False(Vault.IsOf("dev", "rg-prod", "westeurope"));
        Assert.False(Vault.IsOf("prod", "rg-other", "westeurope"));
        Assert.False(Vault.IsOf("prod", "rg-prod", "northeurope"));
    }

    private static string State(string state) => $$$"""{"properties":{"provisioningState":"{{{state}}}"}}""";

    private async Task<Finding> RecoverAsync(ManagementAnswers azure)
    {
        var done = new VaultRecovery(azure.Endpoint(), _time, _told.Add).RecoverAsync(Vault, Tenant, TestContext.Current.CancellationToken);
        while (!done.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return await done;
    }
}
