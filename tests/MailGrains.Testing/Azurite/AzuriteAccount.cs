using System.Security.Cryptography;

namespace MailGrains.Testing.Azurite;

/// <summary>A storage account of an <see cref="AzuriteServer"/>.</summary>
public sealed class AzuriteAccount
{
    private readonly AzuriteServer _server;

    private AzuriteAccount(AzuriteServer server, string name, string key)
    {
        _server = server;
        Name = name;
        Key = key;
    }

    public string Name { get; }

    public string Key { get; }

    /// <summary>The blob service's address under the name that the account has in Azure; by https only (<see cref="AzuriteServer.Authority"/>).</summary>
    public Uri BlobServiceUri => new($"https://{Name}.blob.core.windows.net/");

    /// <summary>The table service's address by https: Azurite understands transactions only where the account stands in the path.</summary>
    public Uri TableServiceUri => new($"https://127.0.0.1:{_server.TablePort}/{Name}");

    public string ConnectionString => ConnectionStringOver(_server.BlobPort, _server.TablePort);

    /// <summary>The account as it is reached through other ports, those of a proxy.</summary>
    public string ConnectionStringOver(int blobPort, int tablePort) =>
        $"DefaultEndpointsProtocol=http;AccountName={Name};AccountKey={Key};" +
        $"BlobEndpoint=http://127.0.0.1:{blobPort}/{Name};TableEndpoint=http://127.0.0.1:{tablePort}/{Name};";

    internal static AzuriteAccount Make(AzuriteServer server, int number) =>
        new(server, $"account{number:D3}", Convert.ToBase64String(RandomNumberGenerator.GetBytes(64)));
}
