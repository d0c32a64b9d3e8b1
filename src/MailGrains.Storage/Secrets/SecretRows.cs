using System.Runtime.CompilerServices;
using System.Text;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Secrets;

/// <summary>A secret as the store held it; <paramref name="ETag"/> is of the version that was read or written.</summary>
public sealed record SecretRow(string Name, string Value, string ETag)
{
    /// <summary>Keeps the value out of logs.</summary>
    public override string ToString() => Name;
}

/// <summary>A secret as a list has it.</summary>
/// <param name="Row">Null: it can't be opened.</param>
/// <param name="Why">Null: it can be opened.</param>
public sealed record ListedSecret(string Name, SecretRow? Row, string? Why);

/// <summary>
/// Secrets that all processes of the installation share, in one partition of the table <c>Directory</c>, a row each by its name:
/// <code>
/// f = 1    key     text, as it is: an installation without a vault
/// f = 2    sealed  octets, sealed for "partition/row" (<see cref="SecretSeal"/>)
/// </code>
/// With a vault what is written is sealed, and a plain one is read as well, unless the installation never had one (<see cref="SecretSeal.TakesPlain"/>): it
/// stays plain until it is replaced. Formats never change meaning.
/// <para>All calls throw <see cref="StoreException"/>: <see cref="StoreFailure.Unreadable"/> for a row that can't be opened (to make another one
/// would spoil what the first has signed), else as <see cref="ITableStore"/> says. Safe for all threads.</para>
/// </summary>
/// <param name="partition">Of the table's keys; one for each kind of secret.</param>
public sealed class SecretRows(StorageAccounts accounts, SecretSeal seal, string partition)
{
    /// <summary>The partition of single secrets, such as the key that signs rewritten senders, and of the data key.</summary>
    public const string Shared = "secrets";

    /// <summary>Of a value as UTF-8: a property holds 64 KiB of UTF-16.</summary>
    public const int MaxValueBytes = 30 * 1024;

    private const string Format = "f";
    private const string Plain = "key";
    private const string Sealed = "sealed";
    private const long PlainFormat = 1;
    private const long SealedFormat = 2;

    private readonly ITableStore _tables = accounts.Directory.Tables;

    /// <summary>Null where there is none.</summary>
    /// <param name="name">Any text; see <see cref="TableKey"/>.</param>
    public async Task<SecretRow?> FindAsync(string name, CancellationToken cancellationToken) =>
        await _tables.ReadAsync(TableNames.Directory, partition, TableKey.Encode(name), cancellationToken).ConfigureAwait(false) is { } row
            ? Open(row, name)
            : null;

    /// <summary>All of the partition, in the order of their rows' keys; not for <see cref="Shared"/>, which has rows of other layouts too.</summary>
    public async IAsyncEnumerable<SecretRow> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in _tables.ReadRowsAsync(TableNames.Directory, partition, KeyRange.All, cancellationToken).ConfigureAwait(false))
        {
            if (TableKey.TryDecode(row.Row, out var name))
            {
                yield return Open(row, name);
            }
        }
    }

    /// <summary>As <see cref="ListAsync"/>, but one that can't be opened stands in the list with the reason, and the others come all the same.</summary>
    public async IAsyncEnumerable<ListedSecret> ListEachAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in _tables.ReadRowsAsync(TableNames.Directory, partition, KeyRange.All, cancellationToken).ConfigureAwait(false))
        {
            if (TableKey.TryDecode(row.Row, out var name))
            {
                yield return TryOpen(row, name);
            }
        }
    }

    /// <summary>Null where there is one of that name already.</summary>
    public Task<SecretRow?> TryInsertAsync(string name, string value, CancellationToken cancellationToken) =>
        CommitAsync(name, value, TableOperation.Insert(TableKey.Encode(name), Close(name, value)), cancellationToken);

    /// <summary>Null where it is another version by now, or gone.</summary>
    public Task<SecretRow?> TryReplaceAsync(SecretRow former, string value, CancellationToken cancellationToken) =>
        CommitAsync(former.Name, value, TableOperation.Replace(TableKey.Encode(former.Name), Close(former.Name, value), former.ETag), cancellationToken);

    /// <summary>False where it is another version by now, or gone.</summary>
    public async Task<bool> TryDeleteAsync(SecretRow former, CancellationToken cancellationToken)
    {
        var delete = TableOperation.Delete(TableKey.Encode(former.Name), former.ETag);
        return (await _tables.CommitAsync(TableNames.Directory, partition, [delete], cancellationToken).ConfigureAwait(false)).Committed;
    }

    /// <summary>The one of that name, made where there is none: of several processes that do so at once all get the same.</summary>
    public async Task<SecretRow> FindOrMakeAsync(string name, Func<string> make, CancellationToken cancellationToken) =>
        await FindAsync(name, cancellationToken).ConfigureAwait(false)
        ?? await TryInsertAsync(name, make(), cancellationToken).ConfigureAwait(false)
        ?? await FindAsync(name, cancellationToken).ConfigureAwait(false)
        ?? throw new StoreException(StoreFailure.Unavailable, $"The secret '{name}' is being made.");

    private async Task<SecretRow?> CommitAsync(string name, string value, TableOperation operation, CancellationToken cancellationToken)
    {
        var commit = await _tables.CommitAsync(TableNames.Directory, partition, [operation], cancellationToken).ConfigureAwait(false);
        return commit.Committed ? new SecretRow(name, value, commit.ETags[0]) : null;
    }

    private RowProperties Close(string name, string value)
    {
        var octets = Encoding.UTF8.GetBytes(value);
        if (octets.Length > MaxValueBytes)
        {
            throw new StoreException(StoreFailure.Refused, $"The secret '{name}' has more than {MaxValueBytes} bytes.");
        }

        return seal.Seals
            ? new RowProperties([new(Format, SealedFormat), new(Sealed, seal.Seal(Bound(name), octets))])
            : new RowProperties([new(Format, PlainFormat), new(Plain, value)]);
    }

    private ListedSecret TryOpen(TableRow row, string name)
    {
        try
        {
            return new ListedSecret(name, Open(row, name), null);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            return new ListedSecret(name, null, e.Message);
        }
    }

    private SecretRow Open(TableRow row, string name)
    {
        var value = row.Number(Format) switch
        {
            PlainFormat when !seal.TakesPlain => throw new StoreException(
                StoreFailure.Unreadable, $"The secret '{name}' in the store is not sealed, and those that are not are not taken (MailGrains:Vault:TakesPlain)."),
            PlainFormat when row.Text(Plain) is { Length: > 0 } plain => plain,
            SealedFormat when row.Bytes(Sealed) is { } envelope => Encoding.UTF8.GetString(seal.Open(Bound(name), envelope.Span)),
            _ => throw new StoreException(StoreFailure.Unreadable, $"The secret '{name}' in the store is damaged, or of a later release."),
        };
        return new SecretRow(name, value, row.ETag);
    }

    private string Bound(string name) => $"{partition}/{TableKey.Encode(name)}";
}
