using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Queues;

/// <summary>Reads the waiting messages of one queue from their rows.</summary>
internal sealed class QueueMessages(StorageAccounts accounts, BodyHolder holder)
{
    private ITableStore Tables => accounts[holder.Account].Tables;

    /// <summary>The whole message, an inline body included; null when it is not there.</summary>
    /// <exception cref="StoreException">The store failed, or a row is unreadable.</exception>
    public async ValueTask<QueuedMessage?> ReadAsync(EmailId email, CancellationToken cancellationToken)
    {
        var row = await Tables.ReadAsync(TableNames.Mail, holder.Partition, MessageRows.MessageRow(email), cancellationToken);
        if (row is null)
        {
            return null;
        }

        var stored = MessageRows.Read(row);
        if (!stored.IsInline)
        {
            return EnvelopeCodec.Decode(stored, stored.Prefix, null);
        }

        var body = await Tables.ReadAsync(TableNames.Mail, holder.Partition, MessageRows.BodyRow(email), cancellationToken)
            ?? throw new StoreException(StoreFailure.Unreadable, $"Message {email} has no body.");
        var (prefix, content) = MessageRows.ReadBody(body);
        return EnvelopeCodec.Decode(stored, prefix, content.ToArray());
    }

    /// <summary>The message without its trace and an inline body: for operators, and for where its blob lies.</summary>
    /// <exception cref="StoreException">The store failed, or a row is unreadable.</exception>
    public async ValueTask<QueuedMessage?> ReadEnvelopeAsync(EmailId email, CancellationToken cancellationToken)
    {
        var row = await Tables.ReadAsync(TableNames.Mail, holder.Partition, MessageRows.MessageRow(email), cancellationToken);
        return row is null ? null : EnvelopeOf(MessageRows.Read(row));
    }

    /// <summary>As <see cref="ReadEnvelopeAsync"/>, of all messages of the queue, in the order of their arrival.</summary>
    public async IAsyncEnumerable<QueuedMessage> ReadEnvelopesAsync(
        EmailId? after, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var all = MessageRows.AllMessages;
        var range = after is { } email ? all with { Lower = MessageRows.MessageRow(email), LowerInclusive = false } : all;
        await foreach (var row in Tables.ReadRowsAsync(TableNames.Mail, holder.Partition, range, cancellationToken))
        {
            yield return EnvelopeOf(MessageRows.Read(row));
        }
    }

    /// <summary>The blob of the kept message; null where it is inline, or has gone.</summary>
    public async ValueTask<BodyBlob?> ReadBlobAsync(EmailId email, CancellationToken cancellationToken) =>
        await Tables.ReadAsync(TableNames.Mail, holder.Partition, MessageRows.MessageRow(email), cancellationToken) is { } row
            ? MessageRows.Read(row).Blob
            : null;

    private static QueuedMessage EnvelopeOf(StoredMessage stored) => EnvelopeCodec.Decode(stored, stored.Prefix, null);
}
