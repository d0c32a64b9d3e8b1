using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>The messages that a silo has been granted for one site, each to be used in time or given back.</summary>
internal sealed class MessageTokens
{
    /// <summary>In the order in which they end.</summary>
    private readonly List<(int Count, TimeSpan EndsAt)> _granted = [];
    private int _unused;

    /// <summary>Whether the site limits messages at all, as far as is known.</summary>
    public bool IsLimited { get; private set; }

    public int Count { get; private set; }

    public bool TryTake(TimeSpan now)
    {
        if (!IsLimited)
        {
            return true;
        }

        Lapse(now);
        if (Count == 0)
        {
            return false;
        }

        Count--;
        _granted[0] = (_granted[0].Count - 1, _granted[0].EndsAt);
        if (_granted[0].Count == 0)
        {
            _granted.RemoveAt(0);
        }

        return true;
    }

    /// <param name="useful">Messages that the silo could send soon.</param>
    public LeaseAsk AddTo(LeaseAsk ask, int useful, TimeSpan now)
    {
        Lapse(now);
        var wanted = Math.Max(0, useful - Count);
        (ask, _unused) = (ask with { MessagesWanted = wanted, MessagesReturned = _unused }, 0);
        return ask;
    }

    public void Answered(LeaseReply reply, TimeSpan askedAt)
    {
        IsLimited = reply.MessagesLease > TimeSpan.Zero;
        if (IsLimited && reply.Messages > 0)
        {
            _granted.Add((reply.Messages, askedAt + reply.MessagesLease));
            Count += reply.Messages;
        }
    }

    private void Lapse(TimeSpan now)
    {
        while (_granted.Count > 0 && _granted[0].EndsAt <= now)
        {
            Count -= _granted[0].Count;
            _unused += _granted[0].Count;
            _granted.RemoveAt(0);
        }
    }
}
