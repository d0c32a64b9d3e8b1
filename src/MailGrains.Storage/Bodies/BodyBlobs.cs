using System.Globalization;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// The blobs of bodies that are over the inline limit: one a tenant and transaction, in one account. Layout:
/// <code>
/// blob  body/{tenant}/{yyyyMMdd}/{holder key}/{emailId}      sole: one holder, known from the name
///       body/{tenant}/{yyyyMMdd}/shared/{emailId}            shared: one row a holder, in the blob's account
/// row   blobref:{encoded blob name} / {holder key}           f format 1, t when it was written (Unix ms)
/// </code>
/// A shared blob's rows are all written before the first hand-over, and a blob never gains a holder afterwards but from one that holds it
/// (<see cref="AddHolderAsync"/>): so an empty partition of rows stays empty, and whoever sees it empty may delete the blob, as often as it likes.
/// A holder keeps the body by its row <c>m:{emailId}</c>. What a crash leaves behind is the <see cref="BodySweeper"/>'s.
/// </summary>
public sealed class BodyBlobs(StorageAccounts accounts, TimeProvider time)
{
    internal const string NamePrefix = "body/";
    internal const string PartitionPrefix = "blobref:";
    private const string SharedSegment = "shared";
    private const long Format = 1;

    /// <summary>
    /// Writes a new body for its holders, one or more, all of <paramref name="tenant"/>; when it returns, the bytes and, where there are several
    /// holders, their rows are on stable storage. Where it fails, nothing that a mailbox could name is left.
    /// </summary>
    /// <exception cref="StoreException">The store failed; <see cref="StoreFailure.Refused"/> when this email id has a body already.</exception>
    public async Task<MessageBody> WriteAsync(
        string tenant, EmailId email, IReadOnlyCollection<BodyHolder> holders, Stream content, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(holders.Count);
        var first = holders.First();
        var shared = holders.Count > 1;
        var blob = new BodyBlob(first.Account, NameOf(tenant, time.GetUtcNow(), shared ? SharedSegment : first.Key, email), shared);
        var length = await accounts[blob.Account].Blobs.WriteAsync(blob.Name, content, cancellationToken).ConfigureAwait(false);
        if (shared)
        {
            await WriteHoldersAsync(blob, holders, cancellationToken).ConfigureAwait(false);
        }

        return new MessageBody(length, null, blob);
    }

    /// <summary>Copies a body for holders that must not share it: another tenant's, or a mailbox that a message is copied to.</summary>
    /// <exception cref="StoreException">The store failed, or the source is gone (<see cref="StoreFailure.Unreadable"/>).</exception>
    public async Task<MessageBody> CopyAsync(
        BodyBlob source, string tenant, EmailId email, IReadOnlyCollection<BodyHolder> holders, CancellationToken cancellationToken)
    {
        var content = await accounts[source.Account].Blobs.ReadAsync(source.Name, 0, null, cancellationToken).ConfigureAwait(false)
            ?? throw new StoreException(StoreFailure.Unreadable, $"Blob '{source.Name}' is gone.");
        await using (content.ConfigureAwait(false))
        {
            return await WriteAsync(tenant, email, holders, content, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Lets <paramref name="holder"/> hold a body that <paramref name="from"/> holds now, as a queue does that hands its message to a mailbox:
    /// add, let the new holder commit its record of the answered blob, then <see cref="RemoveHolderAsync"/> for the old one. May be repeated.
    /// The new holder must commit within a day.
    /// </summary>
    /// <returns>The blob as both must know it from now on: shared.</returns>
    public async Task<BodyBlob> AddHolderAsync(BodyBlob blob, BodyHolder from, BodyHolder holder, CancellationToken cancellationToken)
    {
        await WriteHoldersAsync(blob, [from, holder], cancellationToken).ConfigureAwait(false);
        return blob with { Shared = true };
    }

    /// <summary>
    /// Takes a holder away, and the blob with the last one. For a holder that keeps no record of the blob any more, or never made one and never
    /// will: not after a hand-over whose outcome is unknown. May be repeated.
    /// </summary>
    public async Task RemoveHolderAsync(BodyBlob blob, BodyHolder holder, CancellationToken cancellationToken)
    {
        var account = accounts[blob.Account];
        var partition = PartitionOf(blob.Name);
        if (blob.Shared || await HasHolderAsync(account, partition, cancellationToken).ConfigureAwait(false))
        {
            // A row that is gone already makes this a conflict, which is as good.
            await account.Tables.CommitAsync(TableNames.Mail, partition, [TableOperation.Delete(holder.Key)], cancellationToken).ConfigureAwait(false);
            if (await HasHolderAsync(account, partition, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        await account.Blobs.DeleteAsync(blob.Name, cancellationToken).ConfigureAwait(false);
    }

    internal static string NameOf(string tenant, DateTimeOffset now, string holder, EmailId email) => string.Create(
        CultureInfo.InvariantCulture, $"{NamePrefix}{TableKey.Encode(tenant)}/{now.UtcDateTime:yyyyMMdd}/{holder}/{email}");

    /// <summary>The partition of a blob's holder rows.</summary>
    internal static string PartitionOf(string blobName) => PartitionPrefix + TableKey.Encode(blobName);

    private async Task WriteHoldersAsync(BodyBlob blob, IReadOnlyCollection<BodyHolder> holders, CancellationToken cancellationToken)
    {
        var account = accounts[blob.Account];
        foreach (var some in holders.Distinct().Chunk(TableLimits.MaxOperations))
        {
            var properties = new PropertyCollection(new("f", Format), new("t", time.GetUtcNow().ToUnixTimeMilliseconds()));
            await account.Tables.CommitAsync(
                TableNames.Mail, PartitionOf(blob.Name), [.. some.Select(h => TableOperation.Upsert(h.Key, properties))], cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<bool> HasHolderAsync(StorageAccount account, string partition, CancellationToken cancellationToken)
    {
        await foreach (var _ in account.Tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.All, cancellationToken).ConfigureAwait(false))
        {
            return true;
        }

        return false;
    }
}
