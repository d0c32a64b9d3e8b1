using System.Globalization;
using System.Runtime.CompilerServices;
using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Tables;

namespace MailGrains.Gateways.Acme;

/// <summary>A certificate as the store held it.</summary>
internal sealed record StoredCertificate(CertificateKey Key, CertificateRecord Record, SecretRow Row);

/// <summary>A row of the list.</summary>
/// <param name="Stored">Null: it can't be read, being damaged, of a later release, or sealed by another key; it is left as it is.</param>
/// <param name="Why">Null: it can be read.</param>
internal sealed record ListedCertificate(CertificateKey Key, StoredCertificate? Stored, string? Why);

/// <summary>Which certificates have changed lately: <paramref name="Number"/> counts the changes, of which the last are named.</summary>
internal sealed record CertificateChanges(string ETag, long Number, IReadOnlyList<string> Last)
{
    /// <summary>The keys of all that has changed since; null: it is not known any more.</summary>
    public IReadOnlyList<string>? Since(long number) =>
        number <= Number && Number - number <= Last.Count ? [.. Last.Skip(Last.Count - (int)(Number - number)).Distinct()] : null;
}

/// <summary>
/// The certificates in the store, sealed: one row each in the partition <c>certificates</c>, accounts' keys in <c>acme-accounts</c>, by the address of
/// the directory. Every write is conditional on what was read. What has changed stands in one small row, which every process reads every few seconds:
/// table <c>Directory</c>, partition <c>acme</c>, row <c>changes</c>: <c>f</c> format 1, <c>n</c> the number of changes, <c>k</c> the keys of the last, a line each.
/// </summary>
internal sealed class CertificateRows(StorageAccounts accounts, SecretSeal seal)
{
    private const string Partition = "acme";
    private const string ChangesRow = "changes";
    private const int MaxChanges = 64;
    private const int MaxTries = 10;

    private readonly ITableStore _tables = accounts.Directory.Tables;
    private readonly SecretRows _certificates = new(accounts, seal, "certificates");
    private readonly SecretRows _accounts = new(accounts, seal, "acme-accounts");

    /// <summary>Made where there is none.</summary>
    public async Task<string> AccountKeyAsync(Uri directory, CancellationToken cancellationToken) =>
        (await _accounts.FindOrMakeAsync(directory.OriginalString, AcmeKey.MakePem, cancellationToken)).Value;

    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>: this one can't be read, see <see cref="ListedCertificate"/>.</exception>
    public async Task<StoredCertificate?> FindAsync(CertificateKey key, CancellationToken cancellationToken) =>
        await _certificates.FindAsync(key.ToString(), cancellationToken) is { } row ? Read(row) : null;

    public async IAsyncEnumerable<ListedCertificate> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var listed in _certificates.ListEachAsync(cancellationToken))
        {
            yield return TryRead(listed);
        }
    }

    /// <summary>Null: somebody else has written it since, or made it.</summary>
    public async Task<StoredCertificate?> TryWriteAsync(
        StoredCertificate? former, CertificateKey key, CertificateRecord record, CancellationToken cancellationToken)
    {
        var text = record.Write();
        var row = former is null
            ? await _certificates.TryInsertAsync(key.ToString(), text, cancellationToken)
            : await _certificates.TryReplaceAsync(former.Row, text, cancellationToken);
        return row is null ? null : new StoredCertificate(key, record, row);
    }

    public Task<bool> TryDeleteAsync(StoredCertificate certificate, CancellationToken cancellationToken) =>
        _certificates.TryDeleteAsync(certificate.Row, cancellationToken);

    public async Task<CertificateChanges> ReadChangesAsync(CancellationToken cancellationToken)
    {
        if (await _tables.ReadAsync(TableNames.Directory, Partition, ChangesRow, cancellationToken) is not { } row)
        {
            return new CertificateChanges("", 0, []);
        }

        return row.Number("f") == 1 && row.Number("n") is { } number && row.Text("k") is { } keys
            ? new CertificateChanges(row.ETag, number, keys.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            : throw new StoreException(StoreFailure.Unreadable, "The list of changed certificates is damaged, or of a later release.");
    }

    /// <summary>Lets all processes look at a certificate; null: at all of them.</summary>
    public async Task TellAsync(CertificateKey? key, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            var former = await ReadChangesAsync(cancellationToken);
            IReadOnlyList<string> last = key is { } changed ? [.. former.Last.TakeLast(MaxChanges - 1), changed.ToString()] : [];
            var row = new RowProperties([new("f", 1L), new("n", former.Number + 1), new("k", string.Join('\n', last))]);
            var operation = former.ETag.Length == 0 ? TableOperation.Insert(ChangesRow, row) : TableOperation.Replace(ChangesRow, row, former.ETag);
            if ((await _tables.CommitAsync(TableNames.Directory, Partition, [operation], cancellationToken)).Committed)
            {
                return;
            }
        }

        throw new StoreException(StoreFailure.Unavailable, string.Create(CultureInfo.InvariantCulture, $"The list of changed certificates could not be written in {MaxTries} tries."));
    }

    private static ListedCertificate TryRead(ListedSecret listed)
    {
        var key = CertificateKey.Parse(listed.Name);
        try
        {
            return new ListedCertificate(key, listed.Row is { } row ? Read(row) : null, listed.Why);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            return new ListedCertificate(key, null, e.Message);
        }
    }

    private static StoredCertificate Read(SecretRow row) => new(CertificateKey.Parse(row.Name), CertificateRecord.Read(row.Name, row.Value), row);
}
