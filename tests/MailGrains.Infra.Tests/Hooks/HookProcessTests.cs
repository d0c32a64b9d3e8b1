using MailGrains.Deployment;
using MailGrains.Infra.Tests.Manifests;
using MailGrains.Testing.Azure;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>The hooks as processes of their own, by the SDK's central package versions.</summary>
public sealed class HookProcessTests(HookWorld world) : IClassFixture<HookWorld>
{
    private const string Subscription = "/subscriptions/6f1c6d2e-0000-4000-8000-00000000000a";

    [Fact]
    public async Task Preprovision_lets_a_deployment_go_on_that_fits()
    {
        Region(limit: 20, quotaId: "EnterpriseAgreement_2014-09-01");

        var run = await RunAsync("preprovision", []);

        Assert.True(run.ExitCode == 0, run.Everything);
        Assert.Contains("EnterpriseAgreement_2014-09-01", run.Output, StringComparison.Ordinal);
        Assert.Contains("20 of 20 processors of standardDASv5Family are free in westeurope.", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preprovision_registers_what_the_subscription_does_not_know_and_brings_the_deleted_vault_back()
    {
        const string group = $"{Subscription}/resourceGroups/rg-try";
        const string vault = $"{group}/providers/Microsoft.KeyVault/vaults/kv-abc";
        Region(limit: 20, quotaId: "EnterpriseAgreement_2014-09-01");
        world.ResourceManager.Set($"{Subscription}/providers/Microsoft.Compute", new { registrationState = "NotRegistered" });
        world.ResourceManager.Set($"{Subscription}/providers/Microsoft.KeyVault/deletedVaults", new
        {
            value = new[] { new { properties = new { vaultId = vault, location = "westeurope", tags = new Dictionary<string, string> { ["azd-env-name"] = "try" } } } },
        });

        var run = await RunAsync("preprovision", []);

        Assert.True(run.ExitCode == 0, run.Everything);
        Assert.Contains("ok       Microsoft.Compute: registered", run.Output, StringComparison.Ordinal);
        Assert.Contains("ok       The vault kv-abc was brought back", run.Output, StringComparison.Ordinal);
        Assert.Equal("Registered", world.ResourceManager.Find($"{Subscription}/providers/Microsoft.Compute")?.GetProperty("registrationState").GetString());
        Assert.Equal("westeurope", world.ResourceManager.Find(group)?.GetProperty("location").GetString());
        Assert.Equal("recover", world.ResourceManager.Find(vault)?.GetProperty("properties").GetProperty("createMode").GetString());
    }

    [Fact]
    public async Task Preprovision_stops_what_is_certain_to_fail_and_warns_of_the_rest()
    {
        Region(limit: 1, quotaId: "FreeTrial_2014-09-01");
        world.ResourceManager.Set(
            $"{Subscription}/resourceGroups/rg-try/providers/Microsoft.Storage/storageAccounts",
            new { value = new[] { new { name = "staaaaaaaaaaaaam0" }, new { name = "staaaaaaaaaaaaam1" }, new { name = "staaaaaaaaaaaaacluster" } } });

        var run = await RunAsync("preprovision", []);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("WARNING  Mail for others goes to their servers on port 25", run.Output, StringComparison.Ordinal);
        Assert.Contains("FAILURE  1 of 1 processors of standardDASv5Family", run.Output, StringComparison.Ordinal);
        Assert.Contains("FAILURE  MAILGRAINS_STORAGE_SHARD_COUNT is 1, and mail lies in 2 accounts", run.Output, StringComparison.Ordinal);
        Assert.Contains("Nothing was deployed.", run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Preprovision_stops_what_would_take_something_away_that_stays()
    {
        Region(limit: 20, quotaId: "EnterpriseAgreement_2014-09-01");
        world.ResourceManager.Set(
            $"{Subscription}/resourceGroups/rg-try/providers/Microsoft.ContainerService/managedClusters",
            new { value = new[] { new { name = "aks-abc", properties = new { aadProfile = new { managed = true, enableAzureRBAC = true } } } } });

        var plain = await RunAsync("preprovision", []);
        var hardened = await RunAsync("preprovision", [("MAILGRAINS_HARDENED", "true")]);

        Assert.Equal((1, 0), (plain.ExitCode, hardened.ExitCode));
        Assert.Contains("FAILURE  The cluster aks-abc takes Entra's identities", plain.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Postprovision_makes_the_operators_key_once_and_tells_the_records_but_not_the_key()
    {
        var variables = Deployments.Environment();
        variables["AZURE_KEY_VAULT_ENDPOINT"] = KeyVaultServer.Uri.ToString();

        var first = await world.RunAsync("postprovision", variables, TestContext.Current.CancellationToken);
        var key = world.Vault.Value(OperatorKey.SecretName);
        var second = await world.RunAsync("postprovision", variables, TestContext.Current.CancellationToken);

        Assert.True(first.ExitCode == 0, first.Everything);
        Assert.True(second.ExitCode == 0, second.Everything);
        Assert.Matches("^[0-9a-f]{64}$", key);
        Assert.Equal(key, world.Vault.Value(OperatorKey.SecretName));
        Assert.DoesNotContain(key!, first.Everything + second.Everything, StringComparison.Ordinal);
        Assert.Contains("made just now", first.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("made just now", second.Output, StringComparison.Ordinal);
        Assert.Contains("az keyvault secret show --vault-name kv-abc --name MailGrains--Admin--ApiKey --query value -o tsv", first.Output, StringComparison.Ordinal);
        Assert.Contains("MX    10 mail.example.org.", first.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Predown_deletes_nothing_that_was_not_confirmed_by_its_name()
    {
        var unasked = await RunAsync("predown", []);
        var confirmed = await RunAsync("predown", [("MAILGRAINS_CONFIRM_DELETE", "try")]);

        Assert.Equal((1, 0), (unasked.ExitCode, confirmed.ExitCode));
        Assert.All([unasked, confirmed], run => Assert.Contains("deletes ALL MAIL of try", run.Output, StringComparison.Ordinal));
        Assert.Contains("set MAILGRAINS_CONFIRM_DELETE=try", unasked.Errors, StringComparison.Ordinal);
    }

    /// <summary>A region with one size of machines, and a subscription with a quota for it.</summary>
    private void Region(int limit, string quotaId)
    {
        world.ResourceManager.Clear();
        world.ResourceManager.Set(Subscription, new { subscriptionPolicies = new { quotaId }, tenantId = "22222222-2222-2222-2222-222222222222" });
        world.ResourceManager.Set($"{Subscription}/providers/Microsoft.KeyVault/deletedVaults", new { value = Array.Empty<object>() });
        foreach (var provider in ResourceProviders.Needed)
        {
            world.ResourceManager.Set($"{Subscription}/providers/{provider}", new { registrationState = "Registered" });
        }

        world.ResourceManager.Set($"{Subscription}/providers/Microsoft.Compute/skus", new
        {
            value = new object[]
            {
                new { resourceType = "disks", name = "Standard_D2as_v5" },
                new
                {
                    resourceType = "virtualMachines",
                    name = "Standard_D2as_v5",
                    family = "standardDASv5Family",
                    locations = new[] { "westeurope" },
                    locationInfo = new[] { new { location = "westeurope", zones = new[] { "3", "1", "2" } } },
                    capabilities = new[] { new { name = "vCPUs", value = "2" }, new { name = "EphemeralOSDiskSupported", value = "False" } },
                    restrictions = Array.Empty<object>(),
                },
            },
        });
        world.ResourceManager.Set($"{Subscription}/providers/Microsoft.Compute/locations/westeurope/usages", new
        {
            value = new[]
            {
                new { name = new { value = "cores" }, currentValue = 0, limit = 100 },
                new { name = new { value = "standardDASv5Family" }, currentValue = 0, limit },
            },
        });
    }

    private Task<HookRun> RunAsync(string hook, (string Name, string Value)[] set) =>
        world.RunAsync(hook, Deployed(set), TestContext.Current.CancellationToken);

    private static Dictionary<string, string> Deployed((string Name, string Value)[] set) => new(set.Select(s => KeyValuePair.Create(s.Name, s.Value)))
    {
        ["AZURE_ENV_NAME"] = "try",
        ["AZURE_LOCATION"] = "westeurope",
        ["AZURE_SUBSCRIPTION_ID"] = Subscription.Split('/')[^1],
    };
}
