using System.Text.Json.Nodes;
using static MailGrains.Infra.Tests.Bicep.PolicyRule;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>The rules that the deployment keeps.</summary>
internal static class PolicyRules
{
    private const string Storage = "Microsoft.Storage/storageAccounts";
    private const string Blobs = "Microsoft.Storage/storageAccounts/blobServices";
    private const string Vault = "Microsoft.KeyVault/vaults";
    private const string Key = "Microsoft.KeyVault/vaults/keys";
    private const string Secret = "Microsoft.KeyVault/vaults/secrets";
    private const string Registry = "Microsoft.ContainerRegistry/registries";
    private const string Cluster = "Microsoft.ContainerService/managedClusters";
    private const string Maintenance = "Microsoft.ContainerService/managedClusters/maintenanceConfigurations";
    private const string Diagnostics = "Microsoft.Insights/diagnosticSettings";
    private const string Address = "Microsoft.Network/publicIPAddresses";
    private const string Network = "Microsoft.Network/virtualNetworks";
    private const string Gateway = "Microsoft.Network/natGateways";
    private const string Role = "Microsoft.Authorization/roleAssignments";
    private const string Federation = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";

    private static readonly string[] Everywhere = [Snapshot.Dev, Snapshot.Production, Snapshot.Hardened];
    private static readonly string[] InProduction = [Snapshot.Production, Snapshot.Hardened];
    private static readonly string[] OnlyHardened = [Snapshot.Hardened];

    /// <summary>Roles that are given: to the service, to the cluster and its nodes, to who deploys.</summary>
    private static readonly string[] KnownRoles =
    [
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe", // Storage Blob Data Contributor
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", // Storage Table Data Contributor
        "4633458b-17de-408a-b874-0445c86b69e6", // Key Vault Secrets User
        "e147488a-f6f5-4113-8e2d-b22465e65bf6", // Key Vault Crypto Service Encryption User
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", // Key Vault Secrets Officer: who deploys
        "7f951dda-4ed3-4680-a7ca-43fe172d538d", // AcrPull: the nodes
        "8311e382-0749-4cb8-b61a-304f252e45ec", // AcrPush: who deploys
        "4d97b98b-1d4f-4787-a291-c67834d212e7", // Network Contributor: the cluster
        "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", // Azure Kubernetes Service RBAC Cluster Admin: who deploys
    ];

    public static IReadOnlyList<PolicyRule> All { get; } = [.. OfStorage(), .. OfVault(), .. OfRegistry(), .. OfCluster(), .. OfNetwork(), .. OfRoles()];

    private static IEnumerable<PolicyRule> OfStorage() =>
    [
        Value("Azure.Storage.SecureTransfer", Everywhere, Storage, "properties.supportsHttpsTrafficOnly", true, false),
        Value("Azure.Storage.MinTLS", Everywhere, Storage, "properties.minimumTlsVersion", "TLS1_2", "TLS1_0"),
        Value("Azure.Storage.BlobPublicAccess", Everywhere, Storage, "properties.allowBlobPublicAccess", false, null),
        Value("Azure.Storage.LocalAuth", Everywhere, Storage, "properties.allowSharedKeyAccess", false, null),
        Value("Azure.Storage.Firewall", Everywhere, Storage, "properties.networkAcls.defaultAction", "Deny", "Allow"),
        Value("Azure.Storage.SoftDelete", Everywhere, Blobs, "properties.deleteRetentionPolicy.enabled", true, false),
        Value("Azure.Storage.ContainerSoftDelete", Everywhere, Blobs, "properties.containerDeleteRetentionPolicy.enabled", true, false),
        Value("MailGrains.Storage.CrossTenantReplication", Everywhere, Storage, "properties.allowCrossTenantReplication", false, true),
        Value("MailGrains.Storage.ZoneRedundant", InProduction, Storage, "sku.name", "Standard_ZRS", "Standard_LRS"),
        Each(
            "MailGrains.Storage.NodesOnly",
            Everywhere,
            Storage,
            account => account.At("properties.networkAcls.virtualNetworkRules") is JsonArray { Count: 1 } && account.Text("properties.networkAcls.bypass") == "None",
            account => account.Set("properties.networkAcls.bypass", "AzureServices")),
        new(
            "MailGrains.Storage.SoftDeleteOnEach",
            Everywhere,
            snapshot => snapshot.OfType(Storage).Select(a => $"{a.Text("name")}/default").Except(snapshot.OfType(Blobs).Select(b => b.Text("name")!)),
            snapshot => snapshot.Resources.Remove(snapshot.OfType(Blobs)[0])),
    ];

    private static IEnumerable<PolicyRule> OfVault() =>
    [
        Value("Azure.KeyVault.SoftDelete", Everywhere, Vault, "properties.enableSoftDelete", true, false),
        Value("Azure.KeyVault.PurgeProtect", Everywhere, Vault, "properties.enablePurgeProtection", true, null),
        Value("Azure.KeyVault.RBAC", Everywhere, Vault, "properties.enableRbacAuthorization", true, false),
        Value("Azure.KeyVault.Firewall", OnlyHardened, Vault, "properties.networkAcls.defaultAction", "Deny", "Allow"),
        Some(
            "Azure.KeyVault.Logs",
            Everywhere,
            Diagnostics,
            setting => setting.Text("id")!.Contains("/Microsoft.KeyVault/vaults/", StringComparison.Ordinal) && Logs(setting, "categoryGroup", "audit")),
        Each(
            "Azure.KeyVault.AutoRotationPolicy",
            Everywhere,
            Key,
            key => key.At("properties.rotationPolicy.lifetimeActions")?[0]?.Text("action.type") == "rotate",
            key => key.Set("properties.rotationPolicy", null)),
        Each(
            "MailGrains.KeyVault.WrapsOnly",
            Everywhere,
            Key,
            key => key.Text("properties.kty") == "RSA" && key.List("properties.keyOps").Order().SequenceEqual(["unwrapKey", "wrapKey"]),
            key => key.At("properties.keyOps")!.AsArray().Add("sign")),
        Each(
            "MailGrains.KeyVault.NoSecretInTheClear",
            Everywhere,
            Secret,
            secret => secret.Text("properties.value") == "[parameters('smartHostPassword')]",
            secret => secret.Set("properties.value", "open sesame")),
    ];

    private static IEnumerable<PolicyRule> OfRegistry() =>
    [
        Value("Azure.ACR.AdminUser", Everywhere, Registry, "properties.adminUserEnabled", false, true),
        Value("Azure.ACR.AnonymousAccess", Everywhere, Registry, "properties.anonymousPullEnabled", false, true),
        Value("Azure.ACR.MinSku", InProduction, Registry, "sku.name", "Standard", "Basic"),
    ];

    private static IEnumerable<PolicyRule> OfCluster() =>
    [
        Value("Azure.AKS.ManagedIdentity", Everywhere, Cluster, "identity.type", "UserAssigned", null),
        Value("Azure.AKS.UseRBAC", Everywhere, Cluster, "properties.enableRBAC", true, false),
        Value("Azure.AKS.StandardLB", Everywhere, Cluster, "properties.networkProfile.loadBalancerSku", "standard", "basic"),
        Value("Azure.AKS.NetworkPolicy", Everywhere, Cluster, "properties.networkProfile.networkPolicy", "cilium", null),
        Value("Azure.AKS.AutoUpgrade", Everywhere, Cluster, "properties.autoUpgradeProfile.upgradeChannel", "stable", "none"),
        Value("Azure.AKS.NodeAutoUpgrade", Everywhere, Cluster, "properties.autoUpgradeProfile.nodeOSUpgradeChannel", "NodeImage", "None"),
        Value("Azure.AKS.LocalAccounts", OnlyHardened, Cluster, "properties.disableLocalAccounts", true, false),
        Value("Azure.AKS.AzureRBAC", OnlyHardened, Cluster, "properties.aadProfile.enableAzureRBAC", true, false),
        Value("Azure.AKS.ManagedAAD", OnlyHardened, Cluster, "properties.aadProfile.managed", true, false),
        Value("Azure.AKS.UptimeSLA", InProduction, Cluster, "sku.tier", "Standard", "Free"),
        Value("MailGrains.AKS.WorkloadIdentity", Everywhere, Cluster, "properties.securityProfile.workloadIdentity.enabled", true, false),
        Value("MailGrains.AKS.TokenIssuer", Everywhere, Cluster, "properties.oidcIssuerProfile.enabled", true, false),
        Value("MailGrains.AKS.GivesBackNodes", Everywhere, Cluster, "properties.autoScalerProfile.skip-nodes-with-local-storage", "false", "true"),
        Pool("Azure.AKS.PoolScaleSet", Everywhere, pool => pool.Text("type") == "VirtualMachineScaleSets", pool => pool.Set("type", "AvailabilitySet")),
        Pool("Azure.AKS.AutoScaling", Everywhere, pool => pool.Text("enableAutoScaling") == "true", pool => pool.Set("enableAutoScaling", false)),
        Pool("Azure.AKS.NodeMinPods", InProduction, pool => (int)pool["maxPods"]! >= 50, pool => pool.Set("maxPods", 30)),
        Pool("Azure.AKS.MinNodeCount", InProduction, pool => (int)pool["minCount"]! >= 3, pool => pool.Set("minCount", 1)),
        Pool("Azure.AKS.AvailabilityZone", InProduction, pool => pool.List("availabilityZones").Count == 3, pool => pool.Set("availabilityZones", null)),
        Pool("Azure.AKS.EphemeralOSDisk", InProduction, pool => pool.Text("osDiskType") == "Ephemeral", pool => pool.Set("osDiskType", "Managed")),
        Pool(
            "MailGrains.AKS.DrainsBeforeUpgrade",
            Everywhere,
            pool => (int?)pool.At("upgradeSettings.drainTimeoutInMinutes") >= 10,
            pool => pool.Set("upgradeSettings.drainTimeoutInMinutes", 1)),
        Each(
            "Azure.AKS.AuthorizedIPs",
            OnlyHardened,
            Cluster,
            cluster => cluster.List("properties.apiServerAccessProfile.authorizedIPRanges") is ["192.0.2.0/24", "198.51.100.7/32", var nodes]
                && nodes.Contains("outputs.egressAddress.value", StringComparison.Ordinal),
            cluster => cluster.Set("properties.apiServerAccessProfile.authorizedIPRanges", new JsonArray())),
        Some("Azure.AKS.MaintenanceWindow", Everywhere, Maintenance, m => m.Text("name")!.EndsWith("/aksManagedAutoUpgradeSchedule", StringComparison.Ordinal)),
        Some("MailGrains.AKS.NodeMaintenanceWindow", Everywhere, Maintenance, m => m.Text("name")!.EndsWith("/aksManagedNodeOSUpgradeSchedule", StringComparison.Ordinal)),
        Some("Azure.AKS.AuditAdmin", InProduction, Diagnostics, setting => Logs(setting, "category", "kube-audit-admin")),
        Some("Azure.AKS.AuditLogs", InProduction, Diagnostics, setting => Logs(setting, "category", "kube-audit-admin") && Logs(setting, "category", "guard")),
    ];

    private static IEnumerable<PolicyRule> OfNetwork() =>
    [
        Value("Azure.PublicIP.StandardSKU", Everywhere, Address, "sku.name", "Standard", "Basic"),
        Each("Azure.PublicIP.AvailabilityZone", InProduction, Address, address => address.List("zones").Count == 3, address => address.Set("zones", null)),
        Value("MailGrains.PublicIP.Static", Everywhere, Address, "properties.publicIPAllocationMethod", "Static", "Dynamic"),
        Each(
            "MailGrains.PublicIP.ReverseName",
            Everywhere,
            Address,
            address => address.Text("properties.dnsSettings.reverseFqdn")?.EndsWith('.') == true,
            address => address.Set("properties.dnsSettings.reverseFqdn", "out.example.com")),
        Some("MailGrains.Network.OwnWayOut", InProduction, Gateway, gateway => gateway.At("properties.publicIpAddresses") is JsonArray { Count: 1 }),
        Each(
            "MailGrains.Network.StorageWithoutDetour",
            Everywhere,
            Network,
            network => Endpoints(network).Contains("Microsoft.Storage") && Endpoints(network).Contains("Microsoft.KeyVault"),
            network => network.At("properties.subnets")![0]!.Set("properties.serviceEndpoints", new JsonArray())),
    ];

    private static IEnumerable<PolicyRule> OfRoles() =>
    [
        Each(
            "MailGrains.Roles.KnownOnly",
            Everywhere,
            Role,
            role => KnownRoles.Contains(role.Text("properties.roleDefinitionId")!.Split('/')[^1]),
            role => role.Set("properties.roleDefinitionId", "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635")),
        Each(
            "MailGrains.Roles.ClusterAdminOnlyHardened",
            [Snapshot.Dev, Snapshot.Production],
            Role,
            role => !role.Text("properties.roleDefinitionId")!.EndsWith("b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b", StringComparison.Ordinal),
            role => role.Set("properties.roleDefinitionId", "/x/b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b")),
        Value(
            "MailGrains.Roles.ServiceAccountOnly", Everywhere, Federation, "properties.subject", "system:serviceaccount:mailgrains:mailgrains", "system:serviceaccount:default:default"),
    ];

    private static PolicyRule Pool(string name, string[] profiles, Predicate<JsonNode> isSo, Action<JsonNode> spoil) => Each(
        name,
        profiles,
        Cluster,
        cluster => cluster.At("properties.agentPoolProfiles")!.AsArray().All(pool => isSo(pool!)),
        cluster => spoil(cluster.At("properties.agentPoolProfiles")![0]!));

    private static bool Logs(JsonObject setting, string by, string name) =>
        setting.At("properties.logs")!.AsArray().Any(log => log!.Text(by) == name && log!.Text("enabled") == "true");

    private static IReadOnlyList<string> Endpoints(JsonObject network) =>
        [.. network.At("properties.subnets")![0]!.At("properties.serviceEndpoints")!.AsArray().Select(endpoint => endpoint!.Text("service")!)];
}
