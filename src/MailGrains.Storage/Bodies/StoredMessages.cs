using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>
/// Reads kept messages straight from the store, for sessions: the grain owns the index, the rows never change once they are written.
/// Whether a message still counts is the mailbox's to say; its rows may stay for a while after it was expunged.
/// </summary>
public sealed class StoredMessages(StorageAccounts accounts)
{
    /// <summary>Above this size a message is most likely a blob, below it most likely inline: prefixes take a few hundred octets.</summary>
    private const int LikelyInlineBytes = MessageBody.InlineLimit + 1024;

    /// <summary>Reads all of a message but its bytes; null when it is not there.</summary>
    /// <exception cref="StoreException">The store failed, or the row is unreadable.</exception>
    public ValueTask<StoredMessage?> ReadAsync(MailboxId mailbox, EmailId email, CancellationToken cancellationToken) =>
        ReadAsync(BodyHolder.Of(mailbox), email, cancellationToken);

    /// <inheritdoc cref="ReadAsync(MailboxId, EmailId, CancellationToken)"/>
    public async ValueTask<StoredMessage?> ReadAsync(BodyHolder holder, EmailId email, CancellationToken cancellationToken)
    {
        var row = await accounts[holder.Account].Tables
            .ReadAsync(TableNames.Mail, holder.Partition, MessageRows.MessageRow(email), cancellationToken).ConfigureAwait(false);
        return row is null ? null : MessageRows.Read(row);
    }

    /// <summary>Opens all of a message; see <see cref="OpenAsync(MailboxId, EmailId, long, long, long?, CancellationToken)"/>.</summary>
    public ValueTask<MessageStream?> OpenAsync(MailboxId mailbox, EmailId email, long bytes, CancellationToken cancellationToken) =>
        OpenAsync(mailbox, email, bytes, 0, null, cancellationToken);

    /// <summary>
    /// Opens a message's bytes, prefix and content, from <paramref name="offset"/> for at most <paramref name="length"/> octets (null: to its
    /// end); null when the message is not there. An inline message costs one row read, another one a row read and a blob read.
    /// </summary>
    /// <param name="bytes">The size of prefix and content as the index has it; it tells which row to ask first. 0: not known.</param>
    /// <exception cref="StoreException">
    /// The store failed, or the row is unreadable, or its blob is gone (<see cref="StoreFailure.Unreadable"/>).
    /// </exception>
    public async ValueTask<MessageStream?> OpenAsync(
        MailboxId mailbox, EmailId email, long bytes, long offset, long? length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var holder = BodyHolder.Of(mailbox);
        var window = new Window(offset, length is { } count && count < long.MaxValue - offset ? offset + Math.Max(0, count) : long.MaxValue);
        if (bytes <= LikelyInlineBytes &&
            await OpenInlineAsync(holder, email, window, cancellationToken).ConfigureAwait(false) is { } inline)
        {
            return inline;
        }

        if (await ReadAsync(holder, email, cancellationToken).ConfigureAwait(false) is not { } message)
        {
            return null;
        }

        return message.IsInline
            ? await OpenInlineAsync(holder, email, window, cancellationToken).ConfigureAwait(false)
            : await OpenBlobAsync(message, window, cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<MessageStream?> OpenInlineAsync(
        BodyHolder holder, EmailId email, Window window, CancellationToken cancellationToken)
    {
        var row = await accounts[holder.Account].Tables
            .ReadAsync(TableNames.Mail, holder.Partition, MessageRows.BodyRow(email), cancellationToken).ConfigureAwait(false);
        if (row is null)
        {
            return null;
        }

        var (prefix, content) = MessageRows.ReadBody(row);
        return new MessageStream(window.Of(prefix, 0), window.Of(content, prefix.Length));
    }

    private async ValueTask<MessageStream> OpenBlobAsync(StoredMessage message, Window window, CancellationToken cancellationToken)
    {
        var prefix = window.Of(message.Prefix, 0);
        var from = Math.Clamp(window.From - message.PrefixLength, 0, message.ContentLength);
        var length = Math.Clamp(window.To - message.PrefixLength, from, message.ContentLength) - from;
        if (length == 0)
        {
            return new MessageStream(prefix, null, 0);
        }

        var blob = message.Blob!;
        var content = await accounts[blob.Account].Blobs.ReadAsync(blob.Name, from, length, cancellationToken).ConfigureAwait(false);
        return content is null
            ? throw new StoreException(StoreFailure.Unreadable, $"The body of message {message.Email} is gone: blob '{blob.Name}'.")
            : new MessageStream(prefix, content, length);
    }

    /// <summary>Octets of a message from <paramref name="From"/> up to <paramref name="To"/> (exclusive).</summary>
    private readonly record struct Window(long From, long To)
    {
        public ReadOnlyMemory<byte> Of(ReadOnlyMemory<byte> piece, long at)
        {
            var start = (int)Math.Clamp(From - at, 0, piece.Length);
            return piece[start..(int)Math.Clamp(To - at, start, piece.Length)];
        }
    }
}
