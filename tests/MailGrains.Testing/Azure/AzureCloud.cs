using System.Collections.Concurrent;
using MailGrains.Testing.Azurite;

namespace MailGrains.Testing.Azure;

/// <summary>
/// What a process in Azure has around it, on this machine: an identity, a vault, and storage accounts that take nothing but tokens, all over https and
/// under the names that they have in Azure.
/// </summary>
public sealed class AzureCloud : IAsyncDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly ConcurrentDictionary<string, bool> _refused = new();
    private ConnectProxy? _proxy;
    private TableFront? _tables;

    private AzureCloud()
    {
    }

    public AzuriteServer Storage { get; private set; } = null!;

    public KeyVaultServer Vault { get; private set; } = null!;

    public IdentityEndpoint Identity { get; private set; } = null!;

    /// <summary>Names that were asked for and are not there.</summary>
    public IReadOnlyCollection<string> Refused => [.. _refused.Keys];

    /// <summary>The variables of a process that is there.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>(Identity.Environment)
    {
        ["SSL_CERT_FILE"] = _authority.RootPath,
        ["https_proxy"] = _proxy!.Uri.ToString(),
        ["http_proxy"] = "",
        ["no_proxy"] = "127.0.0.1",
    };

    public static async Task<AzureCloud> StartAsync(CancellationToken cancellationToken)
    {
        var cloud = new AzureCloud();
        try
        {
            cloud.Storage = await AzuriteServer.StartAsync(cloud._authority, cancellationToken);
            cloud._tables = await TableFront.StartAsync(cloud.Storage, cloud._authority);
            cloud.Vault = await KeyVaultServer.StartAsync(cloud._authority);
            cloud.Identity = await IdentityEndpoint.StartAsync();
            cloud._proxy = new ConnectProxy(cloud.PortOf);
            return cloud;
        }
        catch
        {
            await cloud.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the storage again so that this process can read it with keys, when no other process uses it any more.</summary>
    public async Task OpenStorageAsync(CancellationToken cancellationToken)
    {
        await Storage.StopAsync();
        Storage.Authority = null;
        await Storage.StartAgainAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { _proxy, Identity, Vault, _tables, Storage })
        {
            await (part?.DisposeAsync() ?? default);
        }

        _authority.Dispose();
    }

    private int? PortOf(string host)
    {
        int? port = host == KeyVaultServer.Host ? Vault.Port
            : host.EndsWith(".blob.core.windows.net", StringComparison.Ordinal) ? Storage.BlobPort
            : host.EndsWith(".table.core.windows.net", StringComparison.Ordinal) ? _tables!.Port
            : null;
        if (port is null)
        {
            _refused[host] = true;
        }

        return port;
    }
}
