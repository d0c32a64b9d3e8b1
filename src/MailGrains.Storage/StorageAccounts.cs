using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage;

/// <summary>One storage account: its number never changes, since mailbox ids and domain records carry it.</summary>
public sealed record StorageAccount(int Number, ITableStore Tables, IBlobStore Blobs);

/// <summary>
/// The map of storage accounts. Owners keep the account they were made in, so adding an account moves nothing; new owners are
/// spread over the accounts that take them. The directory stays in account 0, the cluster's own tables in <see cref="Cluster"/>.
/// </summary>
public sealed class StorageAccounts
{
    private readonly StorageAccount[] _accounts;

    /// <param name="accounts">Numbered 0 to n-1 without a gap.</param>
    /// <param name="cluster">The table store of membership, reminders and grain state.</param>
    public StorageAccounts(IEnumerable<StorageAccount> accounts, ITableStore cluster)
    {
        _accounts = [.. accounts.OrderBy(a => a.Number)];
        if (_accounts.Length == 0 || _accounts.Where((a, i) => a.Number != i).Any())
        {
            throw new ArgumentException("Storage accounts are numbered 0 to n-1 without a gap.", nameof(accounts));
        }

        Cluster = cluster;
    }

    public ITableStore Cluster { get; }

    public StorageAccount Directory => _accounts[0];

    public int Count => _accounts.Length;

    /// <exception cref="StoreException">No account of that number is configured.</exception>
    public StorageAccount this[int number] => number >= 0 && number < _accounts.Length
        ? _accounts[number]
        : throw new StoreException(StoreFailure.Unavailable, $"Storage account {number} is not configured.");

    /// <summary>The account in which a new owner (a mailbox, a tenant's queues) is made.</summary>
    public StorageAccount ForNewOwner(string owner) =>
        _accounts[(int)(BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(owner))) % (uint)_accounts.Length)];
}

/// <summary>The names of the project's own tables.</summary>
public static class TableNames
{
    /// <summary>Mailboxes, queues, blob holders: what is partitioned by owner.</summary>
    public const string Mail = "Mail";

    /// <summary>Tenants, domains, addresses, accounts.</summary>
    public const string Directory = "Directory";

    /// <summary>What is known of the domains that mail goes to: policies on TLS, and how TLS with them went.</summary>
    public const string Destinations = "Destinations";

    /// <summary>One marker row an account.</summary>
    public const string Markers = "Markers";
}
