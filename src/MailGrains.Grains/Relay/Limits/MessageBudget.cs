using System.Buffers.Binary;
using MailGrains.Grains.Senders;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// The messages that a site may have in any period. Silos are granted some at a time, to be used within a part of the period; what was granted counts
/// from its latest possible use, so no period has more than the limit, and a busy site gets nine tenths of it or more.
/// </summary>
internal sealed class MessageBudget
{
    /// <summary>Of the period.</summary>
    private const int Buckets = 50;
    private const int BucketBytes = 12;

    private static readonly TimeSpan MaxLease = TimeSpan.FromSeconds(15);

    private readonly int _limit;
    private readonly TimeSpan _width;
    private readonly SentWindow _window;

    public MessageBudget(int limit, TimeSpan period)
    {
        _limit = limit;
        _width = period / Buckets;
        var buckets = Math.Clamp((int)(MaxLease / _width), 1, Buckets / 10);
        Lease = buckets * _width < MaxLease ? buckets * _width : MaxLease;
        _window = new SentWindow(period + (buckets * _width), _width);
    }

    /// <summary>How long a silo may use what it was granted.</summary>
    public TimeSpan Lease { get; }

    public long Granted(DateTimeOffset now)
    {
        _window.Advance(now);
        return _window.Messages;
    }

    /// <param name="silos">That share what is left.</param>
    /// <returns>How many, and where there are none, how long it takes until there are.</returns>
    public (int Granted, TimeSpan Wait) Take(int wanted, int silos, DateTimeOffset now)
    {
        _window.Advance(now);
        var left = _limit - _window.Messages;
        if (wanted <= 0 || left <= 0)
        {
            return (0, wanted <= 0 ? TimeSpan.Zero : _window.UntilGone(1 - left, 0, now));
        }

        var granted = (int)Math.Min(wanted, Math.Max(1, left / Math.Max(1, silos)));
        _window.Add(granted, 0);
        return (granted, TimeSpan.Zero);
    }

    public void GiveBack(int messages, DateTimeOffset now)
    {
        _window.Advance(now);
        _window.GiveBack(Math.Max(0, messages), 0);
    }

    /// <summary>The width of a bucket, then number and count of each.</summary>
    public byte[] Store()
    {
        var held = _window.Held.ToArray();
        var bytes = new byte[8 + (held.Length * BucketBytes)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, _width.Ticks);
        for (var i = 0; i < held.Length; i++)
        {
            var at = bytes.AsSpan(8 + (i * BucketBytes));
            BinaryPrimitives.WriteInt64LittleEndian(at, held[i].Number);
            BinaryPrimitives.WriteInt32LittleEndian(at[8..], held[i].Messages);
        }

        return bytes;
    }

    /// <summary>Takes over what an activation before this one granted. Where the period was another, all of it counts as granted now.</summary>
    public void Restore(ReadOnlySpan<byte> stored, DateTimeOffset now)
    {
        if (stored.Length < 8 || (stored.Length - 8) % BucketBytes != 0)
        {
            return;
        }

        var buckets = new SentBucket[(stored.Length - 8) / BucketBytes];
        for (var i = 0; i < buckets.Length; i++)
        {
            var at = stored[(8 + (i * BucketBytes))..];
            buckets[i] = new SentBucket(BinaryPrimitives.ReadInt64LittleEndian(at), BinaryPrimitives.ReadInt32LittleEndian(at[8..]), 0);
        }

        if (BinaryPrimitives.ReadInt64LittleEndian(stored) == _width.Ticks)
        {
            _window.Restore(buckets, now);
        }
        else
        {
            _window.Advance(now);
            _window.Add((int)Math.Min(_limit, buckets.Sum(bucket => (long)bucket.Messages)), 0);
        }
    }
}
