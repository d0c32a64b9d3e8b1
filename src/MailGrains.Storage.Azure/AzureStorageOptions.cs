namespace MailGrains.Storage.Azure;

/// <summary>Bound from <c>MailGrains:Storage</c>.</summary>
public sealed class AzureStorageOptions
{
    public const string Section = "MailGrains:Storage";

    /// <summary>The accounts by number: <c>Accounts:0:…</c>, <c>Accounts:1:…</c>. New ones are added at the end; none is ever taken out or moved.</summary>
    public IList<AzureAccountOptions> Accounts { get; set; } = [];

    /// <summary>
    /// The same accounts as one value, <c>https://mail0.blob.core.windows.net,https://mail1.blob.core.windows.net</c> in order of their numbers, for
    /// who can set a variable but no list. Not beside <see cref="Accounts"/>.
    /// </summary>
    public string? ServiceUris { get; set; }

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

    /// <summary>The accounts in order of their numbers, however they were given.</summary>
    /// <exception cref="InvalidOperationException">There is none, they were given twice, or one of <see cref="ServiceUris"/> is no address.</exception>
    internal IReadOnlyList<AzureAccountOptions> NumberedAccounts()
    {
        if (string.IsNullOrWhiteSpace(ServiceUris))
        {
            return Accounts.Count > 0 ? [.. Accounts] : throw new InvalidOperationException(
                $"{Section}:Accounts names no storage account, nor does {Section}:ServiceUris.");
        }

        if (Accounts.Count > 0)
        {
            throw new InvalidOperationException($"{Section}:Accounts and {Section}:ServiceUris both name storage accounts; expected is one of them.");
        }

        var addresses = ServiceUris.Split(',', StringSplitOptions.TrimEntries).Select(AddressOf).ToList();
        return addresses.Distinct().Count() == addresses.Count
            ? [.. addresses.Select(address => new AzureAccountOptions { ServiceUri = address })]
            : throw new InvalidOperationException($"{Section}:ServiceUris is '{ServiceUris}'; expected is each account once.");
    }

    // A gap would move the accounts after it to other numbers, so an empty entry is refused and not skipped.
    private static Uri AddressOf(string entry) =>
        Uri.TryCreate(entry, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            ? uri
            : throw new InvalidOperationException(
                $"{Section}:ServiceUris has the entry '{entry}'; expected are addresses such as https://mail0.blob.core.windows.net, with commas between them.");
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
