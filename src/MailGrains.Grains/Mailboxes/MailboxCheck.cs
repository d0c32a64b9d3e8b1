using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// The consistency checker of one mailbox: reads its journal and every segment, and compares counters, index and rows. For the end of every test
/// that touched a mailbox, and for operators. The mailbox must not be writing meanwhile; whether the bytes of bodies are all there is
/// <see cref="BodyCheck"/>'s to say.
/// </summary>
public static class MailboxCheck
{
    /// <summary>What is wrong with the mailbox; empty when all is well, or when there is none.</summary>
    /// <exception cref="StoreException">The store could not be read.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(StorageAccounts accounts, MailboxId mailbox, CancellationToken cancellationToken)
    {
        var account = accounts[mailbox.Account];
        var partition = BodyHolder.PartitionOf(mailbox);
        var findings = new List<string>(await JournalCheck.CheckAsync(account, partition, cancellationToken));
        var journal = new Journal<MailboxState, MailboxDraft>(
            account, partition, () => new MailboxState(new SegmentBudget(long.MaxValue)), new JournalOptions(), TimeProvider.System, NullLogger.Instance);
        await journal.LoadAsync(cancellationToken);
        if (journal.Status == JournalStatus.Live)
        {
            var run = new Run(journal.State, findings);
            await run.ReadIndexAsync(cancellationToken);
            run.CompareCounters();
            await run.CompareRowsAsync(account.Tables, partition, cancellationToken);
        }
        else if (journal.Status == JournalStatus.Missing)
        {
            await foreach (var row in account.Tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.All, cancellationToken))
            {
                findings.Add($"Row {row.Row} has no owner.");
            }
        }

        return [.. findings.Select(f => $"{mailbox}: {f}")];
    }

    private sealed class Run(MailboxState state, List<string> findings)
    {
        private readonly Dictionary<EmailId, IndexEntry> _entries = [];
        private readonly Dictionary<(int Folder, uint Uid), uint> _expunged = [];
        private long _usedBytes;

        public async Task ReadIndexAsync(CancellationToken cancellationToken)
        {
            foreach (var folder in state.Folders)
            {
                var tally = new Tally();
                foreach (var segment in folder.Segments)
                {
                    using var pin = await state.PinAsync(segment, cancellationToken);
                    var entries = segment.Entries!;
                    if (entries.Count > 0 && (entries[0].Uid < segment.FirstUid || entries[entries.Count - 1].Uid > segment.LastUid))
                    {
                        findings.Add($"Segment {segment.Id} of {folder.Name} does not lie within {segment.FirstUid} to {segment.LastUid}.");
                    }

                    Read(folder, entries, segment, tally);
                }

                Read(folder, folder.Tail, null, tally);
                Expect(tally.Messages == folder.Messages, $"{folder.Name} counts {folder.Messages} messages and has {tally.Messages}.");
                Expect(tally.Unseen == folder.Unseen, $"{folder.Name} counts {folder.Unseen} unseen and has {tally.Unseen}.");
            }
        }

        public void CompareCounters()
        {
            Expect(_usedBytes == state.UsedBytes, $"{state.UsedBytes} bytes are counted as used and {_usedBytes} are.");
            Expect(state.Folders.All(f => f.HighestModSeq <= state.HighestModSeq), "A folder's modseq is above the mailbox's.");
            Expect(state.Folders.DistinctBy(f => f.UidValidity).Count() == state.Folders.Count, "A UIDVALIDITY stands twice.");
            Expect(state.Folders.All(f => f.UidValidity <= state.LastUidValidity), "A UIDVALIDITY is above the last one.");
            var (messages, bytes) = (0L, 0L);
            foreach (var record in state.Expunges.All)
            {
                messages += record.Messages;
                bytes += record.Bytes;
                Expect(record.Messages == record.Uids.Count, $"An expunge of {record.Messages} messages names {record.Uids.Count}.");
                foreach (var uid in record.Uids.Uids())
                {
                    Expect(_expunged.Remove((record.Folder, uid), out var size), $"UID {uid} of folder {record.Folder} is in the log of expunges, not in the index.");
                    bytes -= size;
                }
            }

            Expect(messages == state.Expunges.Messages, $"{state.Expunges.Messages} expunged messages are counted and {messages} are.");
            Expect(bytes == 0, $"The log of expunges is {bytes} bytes off the index.");
            Expect(_expunged.Count == 0, $"{_expunged.Count} expunged messages are not in the log of expunges.");
        }

        /// <summary>Each message of the index has its rows, and each row its message.</summary>
        public async Task CompareRowsAsync(ITableStore tables, string partition, CancellationToken cancellationToken)
        {
            var purging = state.Expunges.Purging.ToHashSet();
            var inline = new HashSet<EmailId>();
            await foreach (var row in tables.ReadRowsAsync(TableNames.Mail, partition, MessageRows.AllMessages, cancellationToken))
            {
                var message = MessageRows.Read(row);
                if (_entries.Remove(message.Email, out var entry))
                {
                    Expect(entry.Bytes == message.Bytes, $"Message {message.Email} has {message.Bytes} bytes, its index {entry.Bytes}.");
                    Expect(
                        entry.ReceivedAt == message.ReceivedAt.ToUnixTimeMilliseconds(), $"Message {message.Email} has another time of receipt in the index.");
                }
                else
                {
                    Expect(purging.Contains(message.Email), $"Message {message.Email} is in no index.");
                }

                if (message.IsInline)
                {
                    inline.Add(message.Email);
                }
            }

            findings.AddRange(_entries.Keys.Select(e => $"Message {e} has no row."));
            await foreach (var row in tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.Prefix("b:"), cancellationToken))
            {
                Expect(inline.Remove(EmailId.Parse(row.Row[2..])), $"Row {row.Row} has no message.");
            }

            findings.AddRange(inline.Select(e => $"Message {e} has no body."));
        }

        private void Read(FolderState folder, EntryList entries, IndexSegment? segment, Tally tally)
        {
            for (var i = 0; i < entries.Count; i++)
            {
                var entry = entries[i];
                if (entry.Uid <= tally.LastUid || entry.Uid >= folder.UidNext)
                {
                    findings.Add($"UID {entry.Uid} of {folder.Name} is out of order.");
                }

                if (entry.ModSeq > folder.HighestModSeq)
                {
                    findings.Add($"UID {entry.Uid} of {folder.Name} has a modseq above the folder's.");
                }

                if (segment?.MayHold(entry.Email) == false)
                {
                    findings.Add($"Message {entry.Email} is outside the bounds of its segment.");
                }

                if (!_entries.TryAdd(entry.Email, entry))
                {
                    findings.Add($"Message {entry.Email} stands twice in the index.");
                }

                if (state.Keywords.Count < KeywordTable.MaxKeywords && entry.Keywords >> state.Keywords.Count != 0)
                {
                    findings.Add($"UID {entry.Uid} of {folder.Name} has a keyword without a name.");
                }

                tally.LastUid = entry.Uid;
                if (entry.IsExpunged)
                {
                    _expunged.Add((folder.Id, entry.Uid), entry.Bytes);
                    continue;
                }

                tally.Messages++;
                tally.Unseen += entry.Bits.IsSeen ? 0 : 1;
                _usedBytes += entry.Bytes;
            }
        }

        private void Expect(bool holds, string finding)
        {
            if (!holds)
            {
                findings.Add(finding);
            }
        }

        private sealed class Tally
        {
            public uint LastUid { get; set; }

            public int Messages { get; set; }

            public int Unseen { get; set; }
        }
    }
}
