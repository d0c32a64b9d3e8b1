namespace MailGrains.Infra.Tests.Bicep;

/// <summary>What parameters change of the deployment.</summary>
public sealed class DeploymentTests
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
    public void A_deleted_vault_comes_back_only_where_that_was_asked_for()
    {
        string? Mode(string profile) => Snapshot.Read(profile).OfType("Microsoft.KeyVault/vaults").Single().Text("properties.createMode");

        Assert.Equal("recover", Mode(Snapshot.Hardened));
        Assert.Equal("default", Mode(Snapshot.Production));
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
