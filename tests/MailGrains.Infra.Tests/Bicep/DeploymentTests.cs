namespace MailGrains.Infra.Tests.Bicep;

/// <summary>What parameters change of the deployment.</summary>
public sealed class DeploymentTests(CompiledTemplate compiled)
{
    private const string Cluster = "Microsoft.ContainerService/managedClusters";

    [Fact]
    public void Each_shard_is_an_account_and_the_clusters_own_is_apart()
    {
        var names = Snapshot.Read(Snapshot.Production).OfType("Microsoft.Storage/storageAccounts").Select(account => account.Text("name")!).ToList();

        Assert.Equal(["cluster", "m0", "m1"], names.Select(name => name[15..]).Order());
        Assert.All(names, name => Assert.InRange(name.Length, 3, 24));
    }

    [Fact]
    public void The_addresses_of_accounts_stand_in_the_order_of_their_numbers()
    {
        var outputs = Snapshot.Read(Snapshot.Production).Outputs;

        Assert.Matches(@"'https://\{0\}\.blob\.\{1\}', 'st\w{13}m0'.*'https://\{0\}\.blob\.\{1\}', 'st\w{13}m1'", outputs.Text("MAILGRAINS_STORAGE_URIS"));
        Assert.Contains("cluster", outputs.Text("MAILGRAINS_CLUSTER_STORAGE_URI"), StringComparison.Ordinal);
    }

    [Fact]
    public void Production_sends_through_a_gateway_and_dev_through_the_load_balancer_each_from_an_address_that_stays()
    {
        var production = Snapshot.Read(Snapshot.Production).OfType(Cluster).Single();
        var dev = Snapshot.Read(Snapshot.Dev).OfType(Cluster).Single();

        Assert.Equal("userAssignedNATGateway", production.Text("properties.networkProfile.outboundType"));
        Assert.Equal("loadBalancer", dev.Text("properties.networkProfile.outboundType"));
        Assert.Contains(
            "outputs.egressAddressId.value",
            dev.At("properties.networkProfile.loadBalancerProfile.outboundIPs.publicIPs")![0]!.Text("id"),
            StringComparison.Ordinal);
        Assert.Empty(Snapshot.Read(Snapshot.Dev).OfType("Microsoft.Network/natGateways"));
    }

    [Fact]
    public void The_sending_address_stands_for_the_name_that_was_chosen()
    {
        string[] Names(string profile) =>
            [.. Snapshot.Read(profile).OfType("Microsoft.Network/publicIPAddresses").Select(a => a.Text("properties.dnsSettings.reverseFqdn")!).Order()];

        Assert.Contains("out.example.com.", Names(Snapshot.Production));
        Assert.All(Names(Snapshot.Dev), name => Assert.EndsWith(".westeurope.cloudapp.azure.com.", name, StringComparison.Ordinal));
    }

    [Fact]
    public void The_services_name_is_in_lower_case()
    {
        Assert.Equal("mail.example.com", Snapshot.Read(Snapshot.Production).Outputs.Text("MAILGRAINS_DEPLOYED_HOST_NAME"));
    }

    [Fact]
    public async Task Where_a_region_has_no_zones_nothing_is_in_any_and_the_least_is_never_above_the_most()
    {
        var snapshot = await Snapshot.PredictAsync(
            TestContext.Current.CancellationToken, "profile = 'production'", "zones = 'none'", "maxNodes = 1", "maxReplicas = 1", "acmeDirectory = 'none'");
        var pool = snapshot.OfType(Cluster).Single().At("properties.agentPoolProfiles")![0]!;

        Assert.All(snapshot.OfType("Microsoft.Storage/storageAccounts"), account => Assert.Equal("Standard_LRS", account.Text("sku.name")));
        Assert.All(snapshot.OfType("Microsoft.Network/publicIPAddresses"), address => Assert.Empty(address.List("zones")));
        Assert.Empty(pool.List("availabilityZones"));
        Assert.Equal(("3", "3"), (pool.Text("minCount"), pool.Text("maxCount")));
        Assert.Equal(("3", "3"), (snapshot.Outputs.Text("MAILGRAINS_DEPLOYED_MIN_REPLICAS"), snapshot.Outputs.Text("MAILGRAINS_DEPLOYED_MAX_REPLICAS")));

        // azd takes an empty variable for one that is not set.
        Assert.Equal("", snapshot.Outputs.Text("MAILGRAINS_DEPLOYED_ACME_DIRECTORY"));
    }

    [Fact]
    public async Task Addresses_are_in_all_zones_also_where_nodes_are_in_some()
    {
        var snapshot = await Snapshot.PredictAsync(TestContext.Current.CancellationToken, "profile = 'production'", "zones = '1, 3'");

        Assert.Equal(["1", "3"], snapshot.OfType(Cluster).Single().At("properties.agentPoolProfiles")![0]!.List("availabilityZones"));
        Assert.All(snapshot.OfType("Microsoft.Network/publicIPAddresses"), address => Assert.Equal(["1", "2", "3"], address.List("zones")));
        Assert.All(snapshot.OfType("Microsoft.Storage/storageAccounts"), account => Assert.Equal("Standard_ZRS", account.Text("sku.name")));
    }

    /// <summary>A role that has its name already can't be given to another: who is made anew has another id.</summary>
    [Theory]
    [MemberData(nameof(Snapshot.All), MemberType = typeof(Snapshot))]
    public void The_name_of_a_role_says_whose_it_is(string profile)
    {
        var made = Snapshot.Read(profile).OfType("Microsoft.Authorization/roleAssignments")
            .Where(role => role.Text("properties.principalId")!.StartsWith('[')).ToList();

        Assert.True(made.Count >= 7);
        Assert.All(made, role => Assert.Contains(role.Text("properties.principalId")!.Trim('[', ']'), role.Text("name"), StringComparison.Ordinal));
    }

    [Fact]
    public void Who_deploys_administers_the_hardened_cluster_before_it_is_there()
    {
        var roles = Snapshot.Read(Snapshot.Hardened).OfType("Microsoft.Authorization/roleAssignments")
            .Single(role => role.Text("properties.roleDefinitionId")!.EndsWith("b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", StringComparison.Ordinal));

        Assert.Matches("^/subscriptions/[-0-9a-f]+/resourceGroups/rg-hard/providers/Microsoft.Authorization/roleAssignments/[-0-9a-f]+$", roles.Text("id"));
        Assert.Equal(["group"], compiled.Template.At("resources.clusterRoles.dependsOn")!.AsArray().Select(on => on!.ToString()));
    }

    [Fact]
    public void Only_who_deploys_gets_roles_in_person()
    {
        var roles = Snapshot.Read(Snapshot.Production).OfType("Microsoft.Authorization/roleAssignments")
            .Where(role => !role.Text("properties.principalId")!.StartsWith("[reference(", StringComparison.Ordinal))
            .Select(role => (role.Text("properties.principalId"), role.Text("properties.roleDefinitionId")!.Split('/')[^1]));

        Assert.Equal(
            [
                ("11111111-1111-1111-1111-111111111111", "8311e382-0749-4cb8-b61a-304f252e45ec"),
                ("11111111-1111-1111-1111-111111111111", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"),
            ],
            roles.OrderBy(role => role.Item2));
    }
}
