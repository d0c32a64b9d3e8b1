using System.Globalization;
using MailGrains.Contracts.Senders;

namespace MailGrains.Grains.Senders;

/// <summary>What one sender has sent in the last hour and the last day, and whether there may be more.</summary>
internal sealed class SentMail
{
    private readonly SentWindow _hour = new(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1));
    private readonly SentWindow _day = new(TimeSpan.FromDays(1), TimeSpan.FromMinutes(15));

    public static SentMail Restore(SentRecord stored, DateTimeOffset now)
    {
        var sent = new SentMail();
        sent._hour.Restore(stored.Hour, now);
        sent._day.Restore(stored.Day, now);
        return sent;
    }

    public SentRecord Store() => new() { Hour = [.. _hour.Held], Day = [.. _day.Held] };

    public SendGrant TryTake(int recipients, SendingLimits limits, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(recipients);
        Advance(now);
        var refusal = new Refusal(TimeSpan.Zero, null);
        refusal = Check(refusal, _hour, 1, 0, limits.MessagesPerHour, "message", "an hour", now);
        refusal = Check(refusal, _day, 1, 0, limits.MessagesPerDay, "message", "a day", now);
        refusal = Check(refusal, _hour, 0, recipients, limits.RecipientsPerHour, "recipient", "an hour", now);
        refusal = Check(refusal, _day, 0, recipients, limits.RecipientsPerDay, "recipient", "a day", now);
        if (refusal.Limit is not null)
        {
            return new SendGrant(false, refusal.IsForEver ? TimeSpan.Zero : refusal.RetryAfter, refusal.Limit);
        }

        _hour.Add(1, recipients);
        _day.Add(1, recipients);
        return new SendGrant(true, TimeSpan.Zero, null);
    }

    /// <summary>
    /// From the newest, since a message is given back soon after it was taken: by as much as that lasts, another may go out of the window early.
    /// </summary>
    public void GiveBack(int recipients, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(recipients);
        Advance(now);
        _hour.GiveBack(1, recipients);
        _day.GiveBack(1, recipients);
    }

    public SendingUsage Usage(SendingLimits limits, DateTimeOffset now)
    {
        Advance(now);
        return new SendingUsage((int)_hour.Messages, (int)_day.Messages, (int)_hour.Recipients, (int)_day.Recipients, limits);
    }

    private void Advance(DateTimeOffset now)
    {
        _hour.Advance(now);
        _day.Advance(now);
    }

    /// <summary>The one of two refusals that lasts longer.</summary>
    private static Refusal Check(
        Refusal before, SentWindow window, int messages, int recipients, int limit, string what, string span, DateTimeOffset now)
    {
        var (has, wanted) = messages > 0 ? (window.Messages, messages) : (window.Recipients, recipients);
        var excess = has + wanted - limit;
        if (excess <= 0 || before.IsForEver)
        {
            return before;
        }

        // Where the message alone is more than the limit, no wait is long enough.
        var wait = wanted > limit
            ? Timeout.InfiniteTimeSpan
            : window.UntilGone(messages > 0 ? excess : 0, messages > 0 ? 0 : excess, now);
        return wait == Timeout.InfiniteTimeSpan || before.Limit is null || wait > before.RetryAfter
            ? new Refusal(wait, string.Create(CultureInfo.InvariantCulture, $"{limit:N0} {what}{(limit == 1 ? "" : "s")} {span}"))
            : before;
    }

    private readonly record struct Refusal(TimeSpan RetryAfter, string? Limit)
    {
        public bool IsForEver => RetryAfter == Timeout.InfiniteTimeSpan;
    }
}
