using System.Globalization;
using MailGrains.Testing.Azure;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Infra.Tests.Manifests;

/// <summary>
/// What <c>azd</c> would put into the image, published once, and around it the doubles of what a pod finds in Azure, under the names that it has there.
/// </summary>
public sealed class PublishedFolder : IAsyncLifetime
{
    /// <summary>The operator's key, a secret of the vault.</summary>
    public const string ApiKey = "the key of the vault";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mailgrains-published-");
    private AzureCloud _cloud = null!;

    /// <summary>Read-only, as the image's root file system is.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "app");

    /// <summary>Names that were asked for and are not there.</summary>
    public IReadOnlyCollection<string> Refused => _cloud.Refused;

    public async ValueTask InitializeAsync()
    {
        // azd's command without the target that needs the registry.
        await ExternalProgram.RunAsync(
            "dotnet",
            [
                "publish", System.IO.Path.Combine(Repository.Folder, "src", "MailGrains.Host"), "-r", "linux-x64", "-c", "Release", "-o", Path,
                "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false",
            ],
            CancellationToken.None);

        // Any user may read this copy.
        _cloud = await AzureCloud.StartAsync(CancellationToken.None);
        _cloud.Vault.Set("MailGrains--Admin--ApiKey", ApiKey);
        File.Copy(_cloud.Environment["SSL_CERT_FILE"], RootPath);
        File.SetUnixFileMode(_folder.FullName, ReadOnly);
        File.SetUnixFileMode(Path, ReadOnly);
    }

    public async ValueTask DisposeAsync()
    {
        await _cloud.DisposeAsync();
        File.SetUnixFileMode(_folder.FullName, ReadOnly | UnixFileMode.UserWrite);
        File.SetUnixFileMode(Path, ReadOnly | UnixFileMode.UserWrite);
        _folder.Delete(recursive: true);
    }

    /// <summary>azd's environment of a deployment with storage accounts and a vault of its own.</summary>
    public Dictionary<string, string> NewDeployment() => new(Deployments.Environment())
    {
        ["MAILGRAINS_STORAGE_URIS"] = string.Join(',', AccountUri(), AccountUri()),
        ["MAILGRAINS_CLUSTER_STORAGE_URI"] = AccountUri(),
        ["AZURE_KEY_VAULT_ENDPOINT"] = KeyVaultServer.Uri.AbsoluteUri,
    };

    /// <summary>What a process has for a pod's environment, its addresses and ports excepted, and the way to Azure's doubles.</summary>
    /// <param name="pod">As the manifest says.</param>
    internal Dictionary<string, string> OnThisMachine(IReadOnlyDictionary<string, string> pod)
    {
        var variables = new Dictionary<string, string>(pod, StringComparer.Ordinal)
        {
            ["MailGrains__Cluster__Address"] = "127.0.0.1",
            ["MailGrains__Cluster__SiloPort"] = FreePort.Choose().ToString(CultureInfo.InvariantCulture),
            ["MailGrains__Cluster__GatewayPort"] = FreePort.Choose().ToString(CultureInfo.InvariantCulture),

            // Of the base image.
            ["ASPNETCORE_HTTP_PORTS"] = "8080",
            ["DOTNET_RUNNING_IN_CONTAINER"] = "true",
        };
        foreach (var endpoint in pod.Keys.Where(name => name.StartsWith("MailGrains__Endpoints__", StringComparison.Ordinal)))
        {
            variables[endpoint] = "127.0.0.1:0";
        }

        foreach (var (name, value) in _cloud.Environment)
        {
            variables[name] = value;
        }

        variables["SSL_CERT_FILE"] = RootPath;

        return variables;
    }

    private static UnixFileMode ReadOnly => UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private string RootPath => System.IO.Path.Combine(_folder.FullName, "root.pem");

    private string AccountUri() => _cloud.Storage.NewAccount().BlobServiceUri.AbsoluteUri;
}
