namespace MailGrains.Storage.Azure;

/// <summary>Bound from <c>MailGrains:Storage</c>.</summary>
public sealed class AzureStorageOptions
{
    public const string Section = "MailGrains:Storage";

    /// <summary>The accounts by number: <c>Accounts:0:…</c>, <c>Accounts:1:…</c>. New ones are added at the end; none is ever taken out or moved.</summary>
    public IList<AzureAccountOptions> Accounts { get; set; } = [];

    /// <summary>The account of membership, reminders and grain state; by default account 0, enough for a small deployment.</summary>
    public AzureAccountOptions? Cluster { get; set; }

    /// <summary>The blob container of each account.</summary>
    public string Container { get; set; } = "mail";

    /// <summary>
    /// How long one transaction or one blob request may take before its outcome counts as unknown. Well under the time that a journal
    /// repeats an unknown outcome for.
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>How long to wait for a connection, name resolution and TLS included, before the store counts as unavailable.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Connections to one service of one account; requests beyond wait for a free one.</summary>
    public int MaxConnections { get; set; } = 256;

    /// <summary>How long start-up goes on trying: a role assignment takes minutes to reach the storage service.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromMinutes(5);
}

/// <summary>
/// Where an account is: a connection string, or the addresses of its services, which are then used with the process's managed identity
/// (DefaultAzureCredential). From <c>https://mail0.blob.core.windows.net</c> or its table twin the other address follows.
/// </summary>
public sealed class AzureAccountOptions
{
    public string? ConnectionString { get; set; }

    public Uri? ServiceUri { get; set; }

    public Uri? BlobServiceUri { get; set; }

    public Uri? TableServiceUri { get; set; }

    /// <summary>The blob service's address, where no connection string is used.</summary>
    /// <exception cref="InvalidOperationException">Neither it nor an address that it follows from is given.</exception>
    internal Uri BlobAddress(string name) => BlobServiceUri ?? Follow("table", "blob", name);

    internal Uri TableAddress(string name) => TableServiceUri ?? Follow("blob", "table", name);

    private Uri Follow(string from, string to, string name)
    {
        var uri = ServiceUri ?? throw new InvalidOperationException(
            $"The storage account {name} needs ConnectionString, ServiceUri, or BlobServiceUri and TableServiceUri.");
        var labels = uri.Host.Split('.');
        var at = Array.FindIndex(labels, 1, l => l == from || l == to);
        if (at < 0)
        {
            throw new InvalidOperationException(
                $"The ServiceUri of the storage account {name} ('{uri}') has no label 'blob' or 'table' in its host name: " +
                "give BlobServiceUri and TableServiceUri.");
        }

        labels[at] = to;
        return new UriBuilder(uri) { Host = string.Join('.', labels) }.Uri;
    }
}
