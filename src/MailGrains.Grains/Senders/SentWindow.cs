namespace MailGrains.Grains.Senders;

/// <summary>
/// What was sent in a sliding window, counted in buckets of equal width. The present bucket is a part of one, so there is one bucket more than the
/// window has: an entry counts for at least the whole window, and at most a bucket longer. Memory is the same whatever is sent.
/// </summary>
internal sealed class SentWindow
{
    private readonly TimeSpan _width;
    private readonly SentBucket[] _ring;
    private long _newest;

    /// <param name="width">Of one bucket.</param>
    public SentWindow(TimeSpan window, TimeSpan width)
    {
        _width = width;
        _ring = new SentBucket[(window / width) + 1 is var count && count == Math.Truncate(count)
            ? (int)count
            : throw new ArgumentException("A window is a whole number of buckets.", nameof(width))];
    }

    public long Messages { get; private set; }

    public long Recipients { get; private set; }

    /// <summary>The buckets that hold anything.</summary>
    public IEnumerable<SentBucket> Held => _ring.Where(bucket => bucket is not { Messages: 0, Recipients: 0 });

    /// <summary>
    /// Lets go what is older than the window. A clock that was set back stays where it was until time has caught up; set back by more than the
    /// window it was wrong before, and what it counted goes.
    /// </summary>
    public void Advance(DateTimeOffset now)
    {
        var number = NumberOf(now);
        if (number > _newest)
        {
            for (var gone = Math.Max(_newest + 1, number - _ring.Length + 1); gone <= number; gone++)
            {
                Drop(gone);
            }

            _newest = number;
        }
        else if (number <= _newest - _ring.Length)
        {
            Array.Clear(_ring);
            (_newest, Messages, Recipients) = (number, 0, 0);
        }
    }

    /// <summary>Counts in the present bucket; <see cref="Advance"/> goes first.</summary>
    public void Add(int messages, int recipients) => AddTo(_newest, messages, recipients);

    /// <summary>
    /// Counts what was stored, each in the bucket that it was in; what is too old is passed over. Where another silo's clock was ahead, its time is kept.
    /// </summary>
    public void Restore(SentBucket[] buckets, DateTimeOffset now)
    {
        Advance(now);
        var sound = buckets.Where(bucket => bucket is { Messages: >= 0, Recipients: >= 0 } && bucket.Number < _newest + _ring.Length).ToList();
        if (sound.Count > 0)
        {
            Advance(new DateTimeOffset(Math.Max(_newest, sound.Max(bucket => bucket.Number)) * _width.Ticks, TimeSpan.Zero));
        }

        foreach (var bucket in sound.Where(bucket => bucket.Number > _newest - _ring.Length))
        {
            AddTo(bucket.Number, bucket.Messages, bucket.Recipients);
        }
    }

    /// <summary>Takes away from the newest that there is.</summary>
    public void GiveBack(int messages, int recipients)
    {
        for (var number = _newest; number > _newest - _ring.Length && (messages > 0 || recipients > 0); number--)
        {
            ref var bucket = ref _ring[Slot(number)];
            var (m, r) = (Math.Min(messages, bucket.Messages), Math.Min(recipients, bucket.Recipients));
            bucket = bucket with { Messages = bucket.Messages - m, Recipients = bucket.Recipients - r };
            (messages, recipients) = (messages - m, recipients - r);
            (Messages, Recipients) = (Messages - m, Recipients - r);
        }
    }

    /// <summary>When the window has let go that many messages and recipients; both are at most what it has.</summary>
    public TimeSpan UntilGone(long messages, long recipients, DateTimeOffset now)
    {
        var oldest = _newest - _ring.Length + 1;
        for (var number = oldest; number <= _newest; number++)
        {
            if (messages <= 0 && recipients <= 0)
            {
                return number == oldest ? TimeSpan.Zero : LeavesAt(number - 1) - now;
            }

            messages -= _ring[Slot(number)].Messages;
            recipients -= _ring[Slot(number)].Recipients;
        }

        return LeavesAt(_newest) - now;
    }

    private DateTimeOffset LeavesAt(long number) => new((number + _ring.Length) * _width.Ticks, TimeSpan.Zero);

    private long NumberOf(DateTimeOffset time) => time.UtcTicks / _width.Ticks;

    private int Slot(long number) => (int)(number % _ring.Length);

    private void AddTo(long number, int messages, int recipients)
    {
        ref var bucket = ref _ring[Slot(number)];
        bucket = new SentBucket(number, bucket.Messages + messages, bucket.Recipients + recipients);
        (Messages, Recipients) = (Messages + messages, Recipients + recipients);
    }

    private void Drop(long number)
    {
        ref var bucket = ref _ring[Slot(number)];
        (Messages, Recipients) = (Messages - bucket.Messages, Recipients - bucket.Recipients);
        bucket = default;
    }
}
