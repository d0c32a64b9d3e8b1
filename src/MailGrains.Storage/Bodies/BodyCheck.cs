using MailGrains.Contracts.Delivery;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Bodies;

/// <summary>What <see cref="BodyCheck"/> found.</summary>
/// <param name="Losses">Bytes of a kept message are missing or may go missing: never acceptable.</param>
/// <param name="Leftovers">Bytes or rows that nobody names: what a crash may leave until it is swept.</param>
public sealed record BodyFindings(IReadOnlyList<string> Losses, IReadOnlyList<string> Leftovers)
{
    public bool IsClean => Losses.Count == 0 && Leftovers.Count == 0;
}

/// <summary>
/// The consistency checker of messages' rows, bodies and holder rows, over all accounts: every message's bytes are there, in full, and are
/// held for it; nothing dangles. Reads everything, bodies included: for the end of tests, and for operators of small installations. Nobody
/// may be writing meanwhile.
/// </summary>
public static class BodyCheck
{
    /// <exception cref="StoreException">A store could not be read.</exception>
    public static async Task<BodyFindings> RunAsync(StorageAccounts accounts, CancellationToken cancellationToken)
    {
        var run = new Run();
        for (var number = 0; number < accounts.Count; number++)
        {
            await run.ReadAsync(accounts[number], cancellationToken).ConfigureAwait(false);
        }

        return run.Compare();
    }

    private sealed class Run
    {
        private readonly List<string> _losses = [];
        private readonly List<string> _leftovers = [];
        private readonly Dictionary<(int Account, string Name), long> _blobs = [];
        private readonly HashSet<(int Account, string Blob, string Holder)> _holderRows = [];
        private readonly List<(BodyHolder Holder, StoredMessage Message)> _messages = [];
        private readonly Dictionary<(BodyHolder Holder, string Email), (int Prefix, int Content)> _inline = [];

        public async Task ReadAsync(StorageAccount account, CancellationToken cancellationToken)
        {
            await foreach (var blob in account.Blobs.ListAsync(BodyName.Prefix, cancellationToken).ConfigureAwait(false))
            {
                _blobs.Add((account.Number, blob.Name), blob.Length);
            }

            await foreach (var row in account.Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.All, cancellationToken).ConfigureAwait(false))
            {
                try
                {
                    Read(account.Number, row);
                }
                catch (StoreException e)
                {
                    _losses.Add(e.Message);
                }
            }
        }

        public BodyFindings Compare()
        {
            var namedBlobs = new HashSet<(int Account, string Name)>();
            var namedRows = new HashSet<(int Account, string Blob, string Holder)>();
            foreach (var (holder, message) in _messages)
            {
                if (message.Blob is not { } blob)
                {
                    CompareInline(holder, message);
                    continue;
                }

                namedBlobs.Add((blob.Account, blob.Name));
                namedRows.Add((blob.Account, blob.Name, holder.Key));
                CompareBlob(holder, message, blob);
            }

            _leftovers.AddRange(_inline.Keys.Select(b => $"Body {b.Email} of {b.Holder.Key} has no message."));
            _leftovers.AddRange(_blobs.Keys.Except(namedBlobs).Select(b => $"No message names blob '{b.Name}' of account {b.Account}."));
            _leftovers.AddRange(_holderRows.Except(namedRows).Select(r => $"{r.Holder} has a holder row of blob '{r.Blob}', and no message that names it."));
            return new BodyFindings(_losses, _leftovers);
        }

        private void Read(int account, TableRow row)
        {
            var holder = new BodyHolder(account, row.Partition);
            if (BodyName.TryParsePartition(row.Partition, out var blobName))
            {
                _holderRows.Add((account, blobName, row.Row));
            }
            else if (row.Row.StartsWith("m:", StringComparison.Ordinal))
            {
                _messages.Add((holder, MessageRows.Read(row)));
            }
            else if (row.Row.StartsWith("b:", StringComparison.Ordinal))
            {
                var (prefix, content) = MessageRows.ReadBody(row);
                _inline.Add((holder, row.Row[2..]), (prefix.Length, content.Length));
            }
        }

        private void CompareInline(BodyHolder holder, StoredMessage message)
        {
            if (!_inline.Remove((holder, message.Email.ToString()), out var lengths))
            {
                _losses.Add($"Message {message.Email} of {holder.Key} has no body.");
            }
            else if (lengths != (message.PrefixLength, (int)message.ContentLength))
            {
                _losses.Add($"Message {message.Email} of {holder.Key} has {lengths.Prefix} + {lengths.Content} octets, not {message.PrefixLength} + {message.ContentLength}.");
            }
        }

        private void CompareBlob(BodyHolder holder, StoredMessage message, BodyBlob blob)
        {
            if (!_blobs.TryGetValue((blob.Account, blob.Name), out var length))
            {
                _losses.Add($"Blob '{blob.Name}' of account {blob.Account} is gone; message {message.Email} of {holder.Key} names it.");
            }
            else if (length != message.ContentLength || message.Prefix.Length != message.PrefixLength)
            {
                _losses.Add($"Message {message.Email} of {holder.Key} has {message.Prefix.Length} + {length} octets, not {message.PrefixLength} + {message.ContentLength}.");
            }

            var isHeld = blob.Shared
                ? _holderRows.Contains((blob.Account, blob.Name, holder.Key))
                : BodyName.TryParse(blob.Name, out var body) && body.Sole == holder;
            if (!isHeld)
            {
                _losses.Add($"{holder.Key} names blob '{blob.Name}' of account {blob.Account}, but is not its holder.");
            }
        }
    }
}
