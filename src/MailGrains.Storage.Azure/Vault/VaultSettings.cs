using Azure.Security.KeyVault.Secrets;
using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Azure.Vault;

/// <summary>
/// Settings that are a vault's secrets: <c>MailGrains--Admin--ApiKey</c> is <c>MailGrains:Admin:ApiKey</c>. The convention is that of the official
/// configuration provider (Azure.Extensions.AspNetCore.Configuration.Secrets), which may take this one's place. The vault's role: Key Vault Secrets User.
/// </summary>
public static class VaultSettings
{
    /// <summary>Of secrets' names that are settings.</summary>
    public const string Prefix = "MailGrains--";

    /// <summary>Secrets that are looked at, whatever their names: a vault of more is not the service's own.</summary>
    public const int MostSecrets = 5_000;

    /// <summary>Reads them once; the newest version of each that is enabled. Tried until <see cref="VaultOptions.StartTimeout"/>.</summary>
    /// <exception cref="StoreException">The vault could not be read in time, or has more than <see cref="MostSecrets"/>.</exception>
    public static Task<IReadOnlyDictionary<string, string?>> ReadAsync(
        VaultOptions options, ILogger logger, TimeProvider time, CancellationToken cancellationToken)
    {
        var client = new SecretClient(options.Uri, options.Credential, options.Configure(new SecretClientOptions()));
        return new StartRetry(options.StartTimeout, logger, time).RunAsync("The vault", token => ReadOnceAsync(client, token), cancellationToken);
    }

    private static async Task<IReadOnlyDictionary<string, string?>> ReadOnceAsync(SecretClient client, CancellationToken cancellationToken)
    {
        try
        {
            var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            foreach (var name in await ListAsync(client, cancellationToken).ConfigureAwait(false))
            {
                var secret = await client.GetSecretAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false);
                settings[name.Replace("--", ":", StringComparison.Ordinal)] = secret.Value.Value;
            }

            return settings;
        }
        catch (Exception e) when (e is not StoreException && !(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw AzureFailure.OfRead($"The secrets of {client.VaultUri.Host}", e);
        }
    }

    private static async Task<List<string>> ListAsync(SecretClient client, CancellationToken cancellationToken)
    {
        var (names, seen) = (new List<string>(), 0);
        await foreach (var secret in client.GetPropertiesOfSecretsAsync(cancellationToken).ConfigureAwait(false))
        {
            if (++seen > MostSecrets)
            {
                throw new StoreException(StoreFailure.Refused, $"{client.VaultUri.Host} has more than {MostSecrets} secrets.");
            }

            if (secret.Enabled != false && secret.Name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                names.Add(secret.Name);
            }
        }

        return names;
    }
}
