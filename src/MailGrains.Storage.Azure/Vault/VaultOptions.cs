using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;

namespace MailGrains.Storage.Azure.Vault;

/// <summary>The Key Vault of an installation, used with the process's managed identity (DefaultAzureCredential).</summary>
public sealed record VaultOptions
{
    /// <summary>Such as <c>https://mail-1.vault.azure.net/</c>.</summary>
    public required Uri Uri { get; init; }

    /// <summary>The name of the RSA key that wraps the installation's data key.</summary>
    public string DataKey { get; init; } = "mailgrains-data";

    /// <summary>Secrets that were stored unsealed, before there was a vault, are read.</summary>
    public bool TakesPlain { get; init; } = true;

    /// <summary>How long start-up goes on trying.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromMinutes(5);

    internal TokenCredential Credential { get; init; } = new DefaultAzureCredential();

    /// <summary>Null: the SDK's own.</summary>
    internal HttpPipelineTransport? Transport { get; init; }

    /// <summary>How long one try of a request may take.</summary>
    internal static TimeSpan RequestTimeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>What tokens are asked for: a vault's own name is the first label of its host's, and the rest that of the service in its cloud.</summary>
    internal string Scope => $"https://{Uri.Host[(Uri.Host.IndexOf('.', StringComparison.Ordinal) + 1)..]}/.default";

    internal T Configure<T>(T options)
        where T : ClientOptions
    {
        options.Transport = Transport ?? options.Transport;
        options.Diagnostics.IsLoggingEnabled = false;
        options.Retry.NetworkTimeout = RequestTimeout;
        return options;
    }
}
