using System.Security.Cryptography;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Host.Startup;

/// <summary>
/// A secret that all processes of the installation must share, on whatever machines: made once and kept in the store (table <c>Directory</c>, partition
/// <c>secrets</c>, a row each: <c>f</c> format 1, <c>key</c> hexadecimal digits).
/// </summary>
internal static class StoredSecret
{
    public const string Srs = "srs";

    private const string Partition = "secrets";
    private const string Format = "f";
    private const string Key = "key";
    private const int RandomBytes = 32;

    /// <exception cref="StoreException">It can't be read or made now.</exception>
    public static async Task<string> OfAsync(StorageAccounts accounts, string name, CancellationToken cancellationToken)
    {
        var tables = accounts.Directory.Tables;
        if (await ReadAsync(tables, name, cancellationToken) is { } kept)
        {
            return kept;
        }

        var made = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));
        var commit = await tables.CommitAsync(
            TableNames.Directory, Partition, [TableOperation.Insert(name, new RowProperties([new(Format, 1L), new(Key, made)]))], cancellationToken);

        // Another process may have been first.
        return commit.Committed
            ? made
            : await ReadAsync(tables, name, cancellationToken) ?? throw new StoreException(StoreFailure.Unavailable, $"The secret '{name}' is being made.");
    }

    private static async ValueTask<string?> ReadAsync(ITableStore tables, string name, CancellationToken cancellationToken)
    {
        if (await tables.ReadAsync(TableNames.Directory, Partition, name, cancellationToken) is not { } row)
        {
            return null;
        }

        // To make another one would spoil what the first has signed.
        return row.Number(Format) == 1 && row.Text(Key) is { Length: > 0 } key
            ? key
            : throw new StoreException(StoreFailure.Unavailable, $"The secret '{name}' in the store is damaged, or of a later release.");
    }
}
