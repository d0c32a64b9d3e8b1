using System.Globalization;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Mailboxes;

/// <summary>
/// When mailboxes of an account have something to purge: rows <c>{yyyyMMddHH}:{mailbox}</c> in the partition <c>upkeep:purges</c>. A mark is
/// written before the commit that it is for, so a mailbox with something to purge always has one; a mark too many wakes it for nothing.
/// </summary>
public sealed class PurgeCalendar(StorageAccounts accounts)
{
    private const string Partition = "upkeep:purges";
    private static readonly Dictionary<string, TableValue> Format = new() { ["f"] = 1L };

    public async Task MarkAsync(MailboxId mailbox, DateTimeOffset due, CancellationToken cancellationToken) =>
        await accounts[mailbox.Account].Tables.CommitAsync(
            TableNames.Mail, Partition, [TableOperation.Upsert(RowOf(mailbox, due), Format)], cancellationToken);

    /// <summary>Marks up to <paramref name="now"/>, the earliest first.</summary>
    public async IAsyncEnumerable<PurgeMark> DueAsync(
        int account, DateTimeOffset now, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var range = new KeyRange(null, false, Hour(now) + ";", false);
        await foreach (var row in accounts[account].Tables.ReadRowsAsync(TableNames.Mail, Partition, range, cancellationToken))
        {
            var colon = row.Row.IndexOf(':', StringComparison.Ordinal);
            if (TableKey.TryDecode(row.Row[(colon + 1)..], out var text) && MailboxId.TryParse(text, out var mailbox))
            {
                yield return new PurgeMark(row.Row, row.ETag, mailbox.Value);
            }
        }
    }

    /// <summary>Removes a mark that was served, unless it was written again meanwhile.</summary>
    public async Task RemoveAsync(int account, PurgeMark mark, CancellationToken cancellationToken) =>
        await accounts[account].Tables.CommitAsync(TableNames.Mail, Partition, [TableOperation.Delete(mark.Row, mark.ETag)], cancellationToken);

    private static string RowOf(MailboxId mailbox, DateTimeOffset due) => $"{Hour(due)}:{TableKey.Encode(mailbox.ToString())}";

    private static string Hour(DateTimeOffset time) => time.UtcDateTime.ToString("yyyyMMddHH", CultureInfo.InvariantCulture);
}

/// <summary>A mark of the calendar; <paramref name="Row"/> names it in the store.</summary>
public sealed record PurgeMark(string Row, string ETag, MailboxId Mailbox);
