using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;
using MailGrains.Storage;

namespace MailGrains.Grains.Notices;

/// <summary>
/// Tells the senders of a queue's messages what became of them, one message after another: the report is handed over first, then the queue forgets that
/// it is to be told. What failed is tried again after <see cref="QueueOptions.NoticeRetry"/> and ever more seldom, for <see cref="QueueOptions.MaxReportAge"/>.
/// </summary>
internal sealed class NoticeSender(
    QueueId queue, QueueState state, QueueMessages messages, QueueCommits commits, NoticePost post, QueueParts parts, TimeProvider time, Action kick)
{
    /// <summary>Of <see cref="QueueOptions.NoticeRetry"/>, failure by failure.</summary>
    private const int MaxDoublings = 5;

    private readonly PriorityQueue<EmailId, long> _due = new();
    private readonly HashSet<EmailId> _waiting = [];

    // How much was told where that failed: the same is told again, since some of it may have arrived.
    private readonly Dictionary<EmailId, Tried> _tried = [];
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
        if (_tried.TryGetValue(entry.Email, out var tried) && tried.Notices < notices.Count)
        {
            notices = [.. notices.Take(tried.Notices)];
        }

        try
        {
            var message = await ReadAsync(entry.Email, cancellationToken);
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
            tried = new Tried(notices.Count, tried.Failures + 1, tried.Failures == 0 ? Now() : tried.Since);
            _tried[entry.Email] = tried;
            if (Now() - tried.Since >= parts.Options.MaxReportAge.TotalMilliseconds)
            {
                await GiveUpAsync(entry, notices.Count, cancellationToken);
            }
            else if (_waiting.Add(entry.Email))
            {
                _due.Enqueue(entry.Email, Now() + (long)(parts.Options.NoticeRetry * (1 << Math.Min(tried.Failures - 1, MaxDoublings))).TotalMilliseconds);
            }
        }
    }

    /// <summary>What can't be told for days is not told: the message has ended, and keeps its queue and its tenant for nothing.</summary>
    private async Task GiveUpAsync(QueueEntry entry, int notices, CancellationToken cancellationToken)
    {
        parts.Log.NeverTold(queue, entry.Email);
        try
        {
            await commits.ChangeAsync(entry, e => e.Notices = e.Notices?.Count > notices ? [.. e.Notices.Skip(notices)] : null, cancellationToken);
            _tried.Remove(entry.Email);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            parts.Log.NotTold(queue, entry.Email, e.Message);
        }

        Note(entry);
    }

    /// <summary>The message; without its content where that can't be read any more, since what became of it can be told without.</summary>
    private async ValueTask<QueuedMessage?> ReadAsync(EmailId email, CancellationToken cancellationToken)
    {
        try
        {
            return await messages.ReadAsync(email, cancellationToken);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            return await messages.ReadEnvelopeAsync(email, cancellationToken);
        }
    }

    /// <summary>Whoever has heard that a message failed may send the same one again.</summary>
    private static IEnumerable<DeliveryId> FailedIds(QueuedMessage? message, IReadOnlyList<Notice> notices) => message is null
        ? []
        : notices.Where(notice => notice.Kind is NoticeKind.Failed or NoticeKind.Expired && notice.Recipient < message.Recipients.Length)
            .Select(notice => QueueDraft.IdOf(message, notice.Recipient));

    /// <param name="Notices">How much was told.</param>
    private readonly record struct Tried(int Notices, int Failures, long Since);

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();
}
