using System.Buffers;
using System.Numerics;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The delivery ids that an owner has taken, with the message that it kept for each: those of seven days, at most 20,000, the oldest go
/// first. A part of the committed state: it changes by events alone, and by the times that stand in them, so that reading a journal again
/// gives the same window. An id takes 40 bytes and its share of the hash table (47 in a full window, 64 on the way there), 29 in a
/// snapshot; an empty window has no arrays.
/// </summary>
public sealed class DeliveryIdWindow
{
    public const int MaxIds = 20_000;

    public static readonly TimeSpan Age = TimeSpan.FromDays(7);

    private const byte Format = 1;
    private const int FirstCapacity = 8;
    private const int EntryBytes = 28;

    // A ring in the order of arrival; removed ids stay in it as None until they are the oldest. Buckets hold slot + 1, chains likewise.
    private Entry[] _ring = [];
    private int[] _buckets = [];
    private int _oldest;
    private int _used;

    /// <summary>How many ids are in the window, those included that have become too old since the last <see cref="Add"/>.</summary>
    public int Count { get; private set; }

    /// <summary>Finds the message that was kept for an id that was taken less than <see cref="Age"/> ago.</summary>
    public bool TryFind(DeliveryId id, DateTimeOffset now, out EmailId kept)
    {
        if (Find(id) is >= 0 and var slot && IsYoung(_ring[slot], Seconds(now)))
        {
            kept = _ring[slot].Kept;
            return true;
        }

        kept = default;
        return false;
    }

    /// <summary>
    /// Takes an id, or takes it again with another message. What is older than <see cref="Age"/> at <paramref name="at"/> goes, and the oldest
    /// beyond <see cref="MaxIds"/>. <see cref="DeliveryId.None"/> is never taken.
    /// </summary>
    public void Add(DeliveryId id, EmailId kept, DateTimeOffset at)
    {
        var seconds = Seconds(at);
        while (_used > 0 && (_ring[_oldest].Id.IsNone || !IsYoung(_ring[_oldest], seconds)))
        {
            DropOldest();
        }

        if (id.IsNone)
        {
            return;
        }

        Remove(id);
        if (_used == MaxIds)
        {
            DropOldest();
        }

        Append(id, kept, seconds);
    }

    /// <summary>Forgets an id; false when it was not in the window.</summary>
    public bool Remove(DeliveryId id)
    {
        if (Find(id) is not (>= 0 and var slot))
        {
            return false;
        }

        Unlink(slot);
        return true;
    }

    /// <summary>An overlay for a draft: it finds what the calls of a batch have taken so far; the window stays as it is.</summary>
    public DeliveryIdDraft BeginDraft() => new(this);

    /// <summary>Appends the window in its compact form, for a snapshot's head.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        var write = new CompactWriter(output);
        write.Byte(Format);
        write.Number((ulong)Count);
        long earlier = 0;
        for (var i = 0; i < _used; i++)
        {
            ref readonly var entry = ref _ring[Slot(i)];
            if (entry.Id.IsNone)
            {
                continue;
            }

            write.Fixed64(entry.Id.High);
            write.Fixed64(entry.Id.Low);
            write.Number(ZigZag(entry.Seconds - earlier));
            write.Number(ZigZag((long)(entry.Kept.High >> 16) - entry.Seconds * 1000L));
            write.Byte((byte)(entry.Kept.High >> 8));
            write.Byte((byte)entry.Kept.High);
            write.Fixed64(entry.Kept.Low);
            earlier = entry.Seconds;
        }
    }

    /// <summary>Reads what <see cref="Write"/> wrote, and moves <paramref name="input"/> behind it.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>: a newer format, or damage.</exception>
    public static DeliveryIdWindow Read(ref ReadOnlySpan<byte> input)
    {
        var read = new CompactReader(input);
        if (read.Byte() is var format && format != Format)
        {
            throw new StoreException(StoreFailure.Unreadable, $"The delivery ids have format {format}; this release reads {Format}.");
        }

        var count = read.Count(EntryBytes);
        var window = new DeliveryIdWindow();
        window.Resize(Math.Min(count, MaxIds));
        long seconds = 0;
        for (var i = 0; i < count; i++)
        {
            var id = new DeliveryId(read.Fixed64(), read.Fixed64());
            seconds += UnZigZag(read.Number());
            var milliseconds = (ulong)(UnZigZag(read.Number()) + seconds * 1000);
            var random = ((ulong)read.Byte() << 8) | read.Byte();
            var kept = new EmailId((milliseconds << 16) | random, read.Fixed64());
            if (i >= count - MaxIds && !id.IsNone)
            {
                window.Append(id, kept, (uint)seconds);
            }
        }

        input = read.Rest;
        return window;
    }

    private void Append(DeliveryId id, EmailId kept, uint seconds)
    {
        if (_used == _ring.Length)
        {
            Resize(Math.Min(MaxIds, Math.Max(FirstCapacity, _used + _used / 2)));
        }

        var slot = Slot(_used++);
        _ring[slot] = new Entry { Id = id, Kept = kept, Seconds = seconds };
        Link(slot);
        Count++;
    }

    private void DropOldest()
    {
        if (!_ring[_oldest].Id.IsNone)
        {
            Unlink(_oldest);
        }

        _oldest = _oldest + 1 == _ring.Length ? 0 : _oldest + 1;
        _used--;
        if (_ring.Length > 4 * FirstCapacity && _used < _ring.Length / 4)
        {
            Resize(_ring.Length / 2);
        }
    }

    private void Resize(int capacity)
    {
        var ring = new Entry[capacity];
        for (var i = 0; i < _used; i++)
        {
            ring[i] = _ring[Slot(i)];
        }

        _ring = ring;
        _oldest = 0;
        _buckets = new int[(int)BitOperations.RoundUpToPowerOf2((uint)capacity)];
        for (var slot = 0; slot < _used; slot++)
        {
            if (!_ring[slot].Id.IsNone)
            {
                Link(slot);
            }
        }
    }

    private int Find(DeliveryId id)
    {
        if (_buckets.Length == 0 || id.IsNone)
        {
            return -1;
        }

        var slot = Bucket(id) - 1;
        while (slot >= 0 && _ring[slot].Id != id)
        {
            slot = _ring[slot].Next - 1;
        }

        return slot;
    }

    private void Link(int slot)
    {
        ref var bucket = ref Bucket(_ring[slot].Id);
        _ring[slot].Next = bucket;
        bucket = slot + 1;
    }

    private void Unlink(int slot)
    {
        ref var link = ref Bucket(_ring[slot].Id);
        while (link != slot + 1)
        {
            link = ref _ring[link - 1].Next;
        }

        link = _ring[slot].Next;
        _ring[slot] = default;
        Count--;
    }

    // The ids are hashes already.
    private ref int Bucket(DeliveryId id) => ref _buckets[(int)(id.Low & (uint)(_buckets.Length - 1))];

    private int Slot(int index) => _oldest + index is var slot && slot < _ring.Length ? slot : slot - _ring.Length;

    private static bool IsYoung(in Entry entry, uint now) => now < entry.Seconds + (uint)Age.TotalSeconds;

    private static uint Seconds(DateTimeOffset at) => (uint)at.ToUnixTimeSeconds();

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    private struct Entry
    {
        public DeliveryId Id;
        public EmailId Kept;
        public uint Seconds;
        public int Next;
    }
}
