using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Queues;

/// <summary>
/// What a queue knows of a site that can't be used. Until a server has answered, one message at a time is tried: the one that was tried most, at its own times, so that those are the
/// queue's, whatever the number of messages that wait, and stored; or a new message when it comes. In memory only: a new activation with messages that were tried
/// before begins with one.
/// </summary>
internal sealed class QueueOutage
{
    private long _pauseUntil;
    private long _seenAt = long.MinValue;

    public bool TriesOne { get; private set; }

    /// <summary>The site as a whole is left alone until then, by new messages as well. Unix milliseconds, as all times here.</summary>
    public long SiteUntil { get; private set; }

    /// <summary>What waits is left alone until then.</summary>
    public long Until => Math.Max(SiteUntil, _pauseUntil);

    public void Load(IEnumerable<QueueEntry> entries) => TriesOne = entries.Any(entry => entry.Tries > 0);

    /// <summary>The message to try; null where none is due.</summary>
    public static QueueEntry? Choose(IEnumerable<QueueEntry> entries, long now) =>
        entries.Where(entry => entry.Waits && entry.Due <= now).MaxBy(entry => entry.Tries);

    /// <summary>Takes how an attempt ended.</summary>
    /// <param name="due">When its message is tried next.</param>
    public void Note(RelayReport report, long due, long now)
    {
        if (report.SiteUntil is { } until)
        {
            TriesOne = true;
            SiteUntil = Math.Max(SiteUntil, until.ToUnixTimeMilliseconds());

            if (report.Status == RelayStatus.Tried)
            {
                // Attempts that began before the pause say nothing new, nor do those that new messages made in it.
                (_seenAt, _pauseUntil) = (now, now >= _pauseUntil ? due : _pauseUntil);
            }
        }
        else if (report.Status == RelayStatus.Tried)
        {
            (_pauseUntil, TriesOne, _seenAt) = (0, false, long.MinValue);
        }
    }

    /// <summary>
    /// An attempt of this activation has shown that no connection can be opened, not longer ago than that, and no later one that a server answers. That the site is at its
    /// limits shows nothing.
    /// </summary>
    public bool WasSeen(long now, TimeSpan within) => _seenAt >= now - (long)within.TotalMilliseconds;

    /// <summary>Times that were set by the clock of before do not count.</summary>
    public void ClockWasSetBack() => (_pauseUntil, SiteUntil, _seenAt) = (0, 0, long.MinValue);

    /// <summary>An operator wants all to be tried.</summary>
    public void End() => (_pauseUntil, SiteUntil, TriesOne, _seenAt) = (0, 0, false, long.MinValue);
}
