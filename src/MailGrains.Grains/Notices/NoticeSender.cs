using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;

namespace MailGrains.Grains.Notices;

/// <summary>
/// Tells the senders of a queue's messages what became of them, one message after another: the report is handed over first, then the queue forgets that
/// it is to be told. What failed is tried again after <see cref="QueueOptions.NoticeRetry"/>.
/// </summary>
internal sealed class NoticeSender(
    QueueId queue, QueueState state, QueueMessages messages, QueueCommits commits, NoticePost post, QueueParts parts, TimeProvider time, Action kick)
{
    private readonly PriorityQueue<EmailId, long> _due = new();
    private readonly HashSet<EmailId> _waiting = [];

    // How much was told where that failed: the same is told again, since some of it may have arrived.
    private readonly Dictionary<EmailId, int> _tried = [];
    private Task _running = Task.CompletedTask;

    public bool IsBusy => !_running.IsCompleted;

    /// <summary>When to look next; <see cref="long.MaxValue"/>: at no time.</summary>
    public long Next => IsBusy || !_due.TryPeek(out _, out var at) ? long.MaxValue : at;

    public void Load()
    {
        foreach (var entry in state.Entries)
        {
            Note(entry);
        }
    }

    /// <summary>The entry has changed: it may have something to tell now.</summary>
    public void Note(QueueEntry entry)
    {
        if (entry.Notices is not null && state.Find(entry.Email) == entry && _waiting.Add(entry.Email))
        {
            _due.Enqueue(entry.Email, Now());
        }
    }

    /// <summary>Begins to tell what is due, unless that goes on already.</summary>
    public void Start(CancellationToken cancellationToken)
    {
        if (!IsBusy && Next <= Now())
        {
            _running = RunAsync(cancellationToken);
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested && _due.TryPeek(out var email, out var at) && at <= Now())
        {
            _due.Dequeue();
            _waiting.Remove(email);
            if (state.Find(email) is { Notices: not null } entry)
            {
                await TellAsync(entry, cancellationToken);
            }
        }

        kick();
    }

    private async Task TellAsync(QueueEntry entry, CancellationToken cancellationToken)
    {
        var notices = entry.Notices!;
        if (_tried.TryGetValue(entry.Email, out var tried) && tried < notices.Count)
        {
            notices = [.. notices.Take(tried)];
        }

        try
        {
            var message = await messages.ReadAsync(entry.Email, cancellationToken);
            var told = message is null ? "its rows are missing" : await post.SendAsync(
                queue, message, notices, DateTimeOffset.FromUnixTimeMilliseconds(entry.Expires), cancellationToken);
            parts.Log.Told(queue, entry.Email, told);
            await commits.ChangeAsync(
                entry, e => e.Notices = e.Notices?.Count > notices.Count ? [.. e.Notices.Skip(notices.Count)] : null, cancellationToken,
                forgotten: [.. FailedIds(message, notices)]);
            _tried.Remove(entry.Email);
            Note(entry);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever it was may pass.
            parts.Log.NotTold(queue, entry.Email, e.Message);
            _tried[entry.Email] = notices.Count;
            if (_waiting.Add(entry.Email))
            {
                _due.Enqueue(entry.Email, Now() + (long)parts.Options.NoticeRetry.TotalMilliseconds);
            }
        }
    }

    /// <summary>Whoever has heard that a message failed may send the same one again.</summary>
    private static IEnumerable<DeliveryId> FailedIds(QueuedMessage? message, IReadOnlyList<Notice> notices) => message is null
        ? []
        : notices.Where(notice => notice.Kind is NoticeKind.Failed or NoticeKind.Expired && notice.Recipient < message.Recipients.Length)
            .Select(notice => QueueDraft.IdOf(message, notice.Recipient));

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
