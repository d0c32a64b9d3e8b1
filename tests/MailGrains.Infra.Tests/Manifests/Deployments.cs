using System.Globalization;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>What an environment of azd may hold after it was provisioned.</summary>
internal static class Deployments
{
    /// <summary>Set by azd itself, when it has pushed the image.</summary>
    public const string Image = "SERVICE_MAILGRAINS_IMAGE_NAME";

    public static Dictionary<string, string> Environment() => new(StringComparer.Ordinal)
    {
        [Image] = "crabc.azurecr.io/mailgrains/mailgrains-dev:azd-deploy-1764000000",
        ["AZURE_LOCATION"] = "westeurope",
        ["AZURE_TENANT_ID"] = "6f1c6d2e-0000-4000-8000-000000000001",
        ["AZURE_RESOURCE_GROUP"] = "rg-dev",
        ["AZURE_AKS_CLUSTER_NAME"] = "aks-abc",
        ["AZURE_CONTAINER_REGISTRY_ENDPOINT"] = "crabc.azurecr.io",
        ["AZURE_CONTAINER_REGISTRY_NAME"] = "crabc",
        ["AZURE_KEY_VAULT_NAME"] = "kv-abc",
        ["AZURE_KEY_VAULT_ENDPOINT"] = "https://kv-abc.vault.azure.net/",
        ["APPLICATIONINSIGHTS_CONNECTION_STRING"] =
            "InstrumentationKey=6f1c6d2e-0000-4000-8000-000000000002;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
        ["MAILGRAINS_IDENTITY_CLIENT_ID"] = "6f1c6d2e-0000-4000-8000-000000000003",
        ["MAILGRAINS_PUBLIC_IP_NAME"] = "pip-abc",
        ["MAILGRAINS_PUBLIC_IP_ADDRESS"] = "192.0.2.25",
        ["MAILGRAINS_PUBLIC_FQDN"] = "mail-abc.westeurope.cloudapp.azure.com",
        ["MAILGRAINS_EGRESS_IP_ADDRESS"] = "192.0.2.26",
        ["MAILGRAINS_DEPLOYED_EGRESS_PTR"] = "mail-abc-out.westeurope.cloudapp.azure.com",
        ["MAILGRAINS_DEPLOYED_HOST_NAME"] = "mail.example.org",
        ["MAILGRAINS_STORAGE_URIS"] = "https://stabcm0.blob.core.windows.net,https://stabcm1.blob.core.windows.net",
        ["MAILGRAINS_CLUSTER_STORAGE_URI"] = "https://stabccluster.blob.core.windows.net",
        ["MAILGRAINS_DEPLOYED_DATA_KEY_NAME"] = "mailgrains-data",
        ["MAILGRAINS_DEPLOYED_MIN_REPLICAS"] = "3",
        ["MAILGRAINS_DEPLOYED_MAX_REPLICAS"] = "9",
        ["MAILGRAINS_DEPLOYED_CPU_REQUEST"] = "500m",
        ["MAILGRAINS_DEPLOYED_MEMORY_REQUEST"] = "1Gi",
        ["MAILGRAINS_DEPLOYED_MEMORY_LIMIT"] = "2Gi",
        ["MAILGRAINS_DEPLOYED_ACME_DIRECTORY"] = "https://acme-v02.api.letsencrypt.org/directory",
        ["MAILGRAINS_DEPLOYED_ACME_CONTACT"] = "postmaster@example.org",
        ["MAILGRAINS_DEPLOYED_SMART_HOST"] = "smtp.smarthost.example",
        ["MAILGRAINS_DEPLOYED_SMART_HOST_PORT"] = 587.ToString(CultureInfo.InvariantCulture),
        ["MAILGRAINS_DEPLOYED_SMART_HOST_USER"] = "us",
    };

    /// <summary>The same without what may be left empty: a smart host, a certificate authority, Application Insights.</summary>
    public static Dictionary<string, string> BareEnvironment()
    {
        var environment = Environment();
        string[] optional =
        [
            "APPLICATIONINSIGHTS_CONNECTION_STRING", "MAILGRAINS_DEPLOYED_ACME_DIRECTORY", "MAILGRAINS_DEPLOYED_ACME_CONTACT", "MAILGRAINS_DEPLOYED_SMART_HOST", "MAILGRAINS_DEPLOYED_SMART_HOST_USER",
        ];
        foreach (var name in optional)
        {
            environment[name] = "";
        }

        return environment;
    }
}
