using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// The blobs of bodies that are over the inline limit: one a tenant and transaction, in one account, named as <see cref="BodyName"/> says. A
/// holder, mailbox or queue, holds a body by its row <c>m:{emailId}</c>. A blob of one holder carries its name; a shared one has a row for
/// each holder (<see cref="BodyHolders"/>), all written before the first hand-over.
/// <para>
/// A blob never gains a holder afterwards but from one that holds it (<see cref="AddHolderAsync"/>). So rows that have all gone stay gone, and
/// whoever sees that deletes the blob: two who remove the last rows at once both may, and neither leaves it behind.
/// </para>
/// <para>What a crash leaves behind (a blob without holders, a row whose holder has not committed) is the <see cref="BodySweeper"/>'s.</para>
/// </summary>
public sealed class BodyBlobs(StorageAccounts accounts, TimeProvider time)
{
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
        var shared = holders.Any(h => h != first);
        var now = time.GetUtcNow();
        var name = new BodyName(tenant, DateOnly.FromDateTime(now.UtcDateTime), shared ? null : first, email);
        var blob = new BodyBlob(first.Account, name.ToString(), shared);
        var length = await accounts[blob.Account].Blobs.WriteAsync(blob.Name, content, cancellationToken).ConfigureAwait(false);
        if (shared)
        {
            await BodyHolders.WriteAsync(accounts[blob.Account], blob.Name, holders, now, cancellationToken).ConfigureAwait(false);
        }

        return new MessageBody(length, null, blob);
    }

    /// <summary>Opens a body's content.</summary>
    /// <exception cref="StoreException">The store failed, or the body is gone (<see cref="StoreFailure.Unreadable"/>).</exception>
    public async ValueTask<Stream> OpenAsync(BodyBlob blob, CancellationToken cancellationToken) =>
        await accounts[blob.Account].Blobs.ReadAsync(blob.Name, 0, null, cancellationToken).ConfigureAwait(false)
        ?? throw new StoreException(StoreFailure.Unreadable, $"Blob '{blob.Name}' is gone.");

    /// <summary>Copies a body for holders that must not share it: another tenant's, or a mailbox that a message is copied to.</summary>
    /// <exception cref="StoreException">The store failed, or the source is gone (<see cref="StoreFailure.Unreadable"/>).</exception>
    public async Task<MessageBody> CopyAsync(
        BodyBlob source, string tenant, EmailId email, IReadOnlyCollection<BodyHolder> holders, CancellationToken cancellationToken)
    {
        var content = await OpenAsync(source, cancellationToken).ConfigureAwait(false);
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
        await BodyHolders.WriteAsync(accounts[blob.Account], blob.Name, [from, holder], time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        return blob with { Shared = true };
    }

    /// <summary>
    /// Takes a holder away, and the blob with the last one. For a holder that keeps no record of the blob any more, or never made one and never
    /// will: not after a hand-over whose outcome is unknown. May be repeated.
    /// </summary>
    public async Task RemoveHolderAsync(BodyBlob blob, BodyHolder holder, CancellationToken cancellationToken)
    {
        // A sole holder may have begun to hand over, and not have kept the answer.
        var account = accounts[blob.Account];
        if (blob.Shared || await BodyHolders.AnyAsync(account, blob.Name, cancellationToken).ConfigureAwait(false))
        {
            await BodyHolders.RemoveAsync(account, blob.Name, holder.Key, TableOperation.Any, cancellationToken).ConfigureAwait(false);
            if (await BodyHolders.AnyAsync(account, blob.Name, cancellationToken).ConfigureAwait(false))
            {
                return;
            }
        }

        await account.Blobs.DeleteAsync(blob.Name, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Removes a body that was never handed over to anybody, and never will be. May be repeated.</summary>
    public async Task DiscardAsync(BodyBlob blob, CancellationToken cancellationToken)
    {
        var account = accounts[blob.Account];
        if (blob.Shared)
        {
            await BodyHolders.RemoveAllAsync(account, blob.Name, cancellationToken).ConfigureAwait(false);
        }

        await account.Blobs.DeleteAsync(blob.Name, cancellationToken).ConfigureAwait(false);
    }
}
