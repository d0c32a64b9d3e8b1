namespace MailGrains.Gateways.Connections;

/// <summary>
/// What each address may have of this process. At most <see cref="MaxAddresses"/> are remembered: the one that was longest unheard of and has no
/// open connection is forgotten first, which gives it a fresh budget. Trusted addresses have none.
/// </summary>
public sealed class AddressBudgets(ConnectionOptions options, TimeProvider time)
{
    /// <summary>More than connections may be open, so that there is always one to forget.</summary>
    internal const int MaxAddresses = 50_000;

    private static readonly TimeSpan LogPeriod = TimeSpan.FromMinutes(1);

    private readonly AddressLimits _limits = options.Limits;
    private readonly Dictionary<AddressKey, LinkedListNode<Entry>> _entries = [];

    // Most recently heard of first.
    private readonly LinkedList<Entry> _order = new();
    private readonly Lock _lock = new();

    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>Null: the connection counts until <see cref="Close"/>; else why it may not be.</summary>
    public string? TryOpen(PeerFacts peer)
    {
        if (peer.IsTrusted)
        {
            return null;
        }

        lock (_lock)
        {
            var entry = Touch(peer);
            if (_limits.Connections > 0 && entry.Open >= _limits.Connections)
            {
                return "Too many open connections from your address";
            }

            if (!entry.Connections.TryTake(_limits.NewConnectionsPerMinute, time.GetTimestamp(), time))
            {
                return "Too many new connections from your address";
            }

            entry.Open++;
            return null;
        }
    }

    public void Close(PeerFacts peer)
    {
        if (!peer.IsTrusted)
        {
            lock (_lock)
            {
                Touch(peer).Open--;
            }
        }
    }

    /// <summary>Asked at MAIL: false is 450 4.7.1.</summary>
    public bool TryTakeMessage(PeerFacts peer) => Take(peer, _limits.MessagesPerMinute, static e => ref e.Messages);

    /// <summary>Asked at RCPT: false is 450 4.7.1.</summary>
    public bool TryTakeRecipient(PeerFacts peer) => Take(peer, _limits.RecipientsPerMinute, static e => ref e.Recipients);

    /// <summary>Told of a RCPT that named nobody: false is 421 4.7.0, with which the connection ends.</summary>
    public bool TryTakeFailedRecipient(PeerFacts peer) => Take(peer, _limits.FailedRecipientsPerMinute, static e => ref e.FailedRecipients);

    /// <summary>How many refusals of this address there have been since the last line in the log; 0: this one is not to be written, another was lately.</summary>
    internal int TakeLogLine(PeerFacts peer)
    {
        lock (_lock)
        {
            var entry = Touch(peer);
            entry.Unlogged++;
            var now = time.GetTimestamp();
            if (entry.Logged is { } logged && time.GetElapsedTime(logged, now) < LogPeriod)
            {
                return 0;
            }

            var count = entry.Unlogged;
            (entry.Unlogged, entry.Logged) = (0, now);
            return count;
        }
    }

    private bool Take(PeerFacts peer, int perMinute, BucketOf bucket)
    {
        if (peer.IsTrusted)
        {
            return true;
        }

        lock (_lock)
        {
            return bucket(Touch(peer)).TryTake(perMinute, time.GetTimestamp(), time);
        }
    }

    private Entry Touch(PeerFacts peer)
    {
        var key = AddressKey.Of(peer.Address);
        if (_entries.TryGetValue(key, out var node))
        {
            _order.Remove(node);
        }
        else
        {
            ForgetOne();
            node = new LinkedListNode<Entry>(new Entry(key));
            _entries.Add(key, node);
        }

        _order.AddFirst(node);
        return node.Value;
    }

    private void ForgetOne()
    {
        for (var looks = _entries.Count; looks > 0 && _entries.Count >= MaxAddresses; looks--)
        {
            var last = _order.Last!;
            _order.RemoveLast();
            if (last.Value.Open == 0)
            {
                _entries.Remove(last.Value.Key);
            }
            else
            {
                // A connection is a sign of life.
                _order.AddFirst(last);
            }
        }
    }

    private delegate ref TokenBucket BucketOf(Entry entry);

    private sealed class Entry(AddressKey key)
    {
        public TokenBucket Connections;
        public TokenBucket Messages;
        public TokenBucket Recipients;
        public TokenBucket FailedRecipients;

        public AddressKey Key => key;

        public int Open { get; set; }

        public int Unlogged { get; set; }

        public long? Logged { get; set; }
    }
}
