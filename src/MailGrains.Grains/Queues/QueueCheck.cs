using MailGrains.Contracts.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Grains.Queues;

/// <summary>
/// The consistency checker of one queue: reads its journal, and compares entries and rows. For the end of every test that touched a queue, and for
/// operators. The queue must not be writing meanwhile.
/// </summary>
public static class QueueCheck
{
    /// <summary>What is wrong with the queue; empty when all is well, or when there is none.</summary>
    /// <exception cref="StoreException">The store could not be read.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(StorageAccounts accounts, QueueId queue, CancellationToken cancellationToken)
    {
        var account = accounts[queue.Account];
        var partition = BodyHolder.PartitionOf(queue);
        var findings = new List<string>(await JournalCheck.CheckAsync(account, partition, cancellationToken));
        var journal = new Journal<QueueState, QueueDraft>(
            account, partition, static () => new QueueState(), new JournalOptions(), TimeProvider.System, NullLogger.Instance);
        await journal.LoadAsync(cancellationToken);
        var open = journal.Status == JournalStatus.Live ? journal.State.Entries.ToDictionary(e => e.Email) : [];
        var bodies = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in account.Tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.Prefix("b:"), cancellationToken))
        {
            bodies.Add(row.Row[2..]);
        }

        await foreach (var row in account.Tables.ReadRowsAsync(TableNames.Mail, partition, MessageRows.AllMessages, cancellationToken))
        {
            var stored = MessageRows.Read(row);
            if (!open.Remove(stored.Email, out var entry))
            {
                findings.Add($"Row {row.Row} belongs to no message.");
                continue;
            }

            if (entry.Is(EntryFlags.Inline) != stored.IsInline || (stored.IsInline && !bodies.Remove(stored.Email.ToString())))
            {
                findings.Add($"Message {stored.Email} has no body, or another than its entry says.");
            }

            var recipients = EnvelopeCodec.Decode(stored, stored.Prefix, null).Recipients.Length;
            findings.AddRange(entry.Left.Indexes().Where(i => i >= recipients).Select(i => $"Message {stored.Email} has no recipient {i}."));
            if (entry.Left.IsEmpty && entry.Notices is null)
            {
                findings.Add($"Message {stored.Email} has nothing left to do.");
            }
        }

        findings.AddRange(open.Keys.Select(email => $"Message {email} has no row."));
        findings.AddRange(bodies.Select(email => $"Row b:{email} belongs to no message."));
        return [.. findings.Select(f => $"{queue}: {f}")];
    }
}
