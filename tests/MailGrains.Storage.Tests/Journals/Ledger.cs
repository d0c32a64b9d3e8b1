using System.Buffers;
using System.Buffers.Binary;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;

namespace MailGrains.Storage.Tests.Journals;

/// <summary>
/// A small real state: amounts by key in segments of sixteen keys that load when asked for, their total, and the delivery ids taken.
/// It fails when it is called by two threads at once.
/// </summary>
internal sealed class Ledger : IJournalState<LedgerDraft>
{
    public const int KeysInSegment = 16;

    private readonly Dictionary<int, SortedDictionary<int, long>> _loaded = [];
    private readonly Dictionary<int, List<(int Key, long Amount)>> _pending = [];
    private readonly HashSet<int> _stored = [];
    private readonly HashSet<int> _removed = [];
    private readonly HashSet<int> _changed = [];
    private readonly HashSet<int> _captured = [];
    private ISegmentReader? _segments;
    private int _inside;

    public long Total { get; private set; }

    public long Sequence { get; private set; }

    public int Restores { get; private set; }

    public DeliveryIdWindow Delivered { get; private set; } = new();

    public LedgerDraft BeginDraft() => Alone(() => new LedgerDraft(this));

    public void Apply(long sequence, ReadOnlySpan<byte> events)
    {
        Assert.Equal(0, Interlocked.Exchange(ref _inside, 1));
        Assert.Equal(Sequence + 1, sequence);
        Sequence = sequence;
        while (events.Length > 0)
        {
            events = events[0] switch
            {
                LedgerDraft.AddEvent => ApplyAdd(events),
                LedgerDraft.DeliverEvent => ApplyDelivery(events),
                LedgerDraft.ClearEvent => ApplyClear(events),
                LedgerDraft.FillEvent => events[(5 + BinaryPrimitives.ReadInt32LittleEndian(events[1..]))..],
                var other => throw new StoreException(StoreFailure.Unreadable, $"event {other}"),
            };
        }

        Interlocked.Exchange(ref _inside, 0);
    }

    public void Restore(ReadOnlyMemory<byte> head, ISegmentReader segments)
    {
        Restores++;
        _segments = segments;
        var input = head.Span;
        Total = BinaryPrimitives.ReadInt64LittleEndian(input);
        Sequence = BinaryPrimitives.ReadInt64LittleEndian(input[8..]);
        var count = BinaryPrimitives.ReadInt32LittleEndian(input[16..]);
        for (var i = 0; i < count; i++)
        {
            _stored.Add(BinaryPrimitives.ReadInt32LittleEndian(input[(20 + 4 * i)..]));
        }

        input = input[(20 + 4 * count)..];
        Delivered = DeliveryIdWindow.Read(ref input);
        Assert.Equal(0, input.Length);
    }

    public async ValueTask PrepareSnapshotAsync(CancellationToken cancellationToken)
    {
        foreach (var segment in _changed.Concat(_captured).ToArray())
        {
            await LoadAsync(segment, cancellationToken);
        }
    }

    public SnapshotCapture? CaptureSnapshot() => Alone(() =>
    {
        if (_changed.Concat(_captured).Any(s => !_loaded.ContainsKey(s)))
        {
            return null;
        }

        _captured.UnionWith(_changed);
        _changed.Clear();
        var written = _captured.Where(s => !_removed.Contains(s)).ToDictionary(s => s, s => Encode(_loaded[s]));
        var segments = _stored.Except(_removed).Union(written.Keys).ToArray();
        var head = new ArrayBufferWriter<byte>();
        BinaryPrimitives.WriteInt64LittleEndian(head.GetSpan(8), Total);
        head.Advance(8);
        BinaryPrimitives.WriteInt64LittleEndian(head.GetSpan(8), Sequence);
        head.Advance(8);
        BinaryPrimitives.WriteInt32LittleEndian(head.GetSpan(4), segments.Length);
        head.Advance(4);
        foreach (var segment in segments)
        {
            BinaryPrimitives.WriteInt32LittleEndian(head.GetSpan(4), segment);
            head.Advance(4);
        }

        Delivered.Write(head);
        return new SnapshotCapture(head.WrittenMemory, written, [.. _removed]);
    });

    public void SnapshotWritten(SnapshotCapture capture, ISegmentReader segments) => Alone(() =>
    {
        _segments = segments;
        _stored.UnionWith(capture.ChangedSegments.Keys);
        _stored.ExceptWith(capture.RemovedSegments);
        _removed.ExceptWith(capture.RemovedSegments);
        _captured.Clear();
        return 0;
    });

    /// <summary>Forgets the segments that the snapshot holds as they are.</summary>
    public void DropLoaded()
    {
        foreach (var segment in _loaded.Keys.Where(s => _stored.Contains(s) && !_changed.Contains(s) && !_captured.Contains(s) && !_removed.Contains(s)).ToArray())
        {
            _loaded.Remove(segment);
        }
    }

    public async ValueTask<long> AmountAsync(int key, CancellationToken cancellationToken) =>
        (await LoadAsync(key / KeysInSegment, cancellationToken)).GetValueOrDefault(key);

    /// <summary>All keys that have an amount.</summary>
    public async Task<Dictionary<int, long>> AmountsAsync(CancellationToken cancellationToken)
    {
        var amounts = new Dictionary<int, long>();
        foreach (var segment in _stored.Union(_loaded.Keys).Union(_pending.Keys).ToArray())
        {
            foreach (var (key, amount) in await LoadAsync(segment, cancellationToken))
            {
                amounts[key] = amount;
            }
        }

        return amounts;
    }

    private async ValueTask<SortedDictionary<int, long>> LoadAsync(int segment, CancellationToken cancellationToken)
    {
        if (_loaded.TryGetValue(segment, out var loaded))
        {
            return loaded;
        }

        var bytes = _stored.Contains(segment) && !_removed.Contains(segment)
            ? await _segments!.ReadAsync(segment, cancellationToken)
            : ReadOnlyMemory<byte>.Empty;
        return Alone(() =>
        {
            if (_loaded.TryGetValue(segment, out var meanwhile))
            {
                return meanwhile;
            }

            var amounts = Decode(bytes.Span);
            foreach (var (key, amount) in _pending.GetValueOrDefault(segment, []))
            {
                amounts[key] = amounts.GetValueOrDefault(key) + amount;
            }

            _pending.Remove(segment);
            return _loaded[segment] = amounts;
        });
    }

    private ReadOnlySpan<byte> ApplyAdd(ReadOnlySpan<byte> events)
    {
        Add(BinaryPrimitives.ReadInt32LittleEndian(events[1..]), BinaryPrimitives.ReadInt64LittleEndian(events[5..]));
        return events[LedgerDraft.AddBytes..];
    }

    private ReadOnlySpan<byte> ApplyDelivery(ReadOnlySpan<byte> events)
    {
        var id = new DeliveryId(BinaryPrimitives.ReadUInt64LittleEndian(events[1..]), BinaryPrimitives.ReadUInt64LittleEndian(events[9..]));
        Delivered.Add(id, EmailId.Read(events[17..]), DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(events[33..])));
        Add(0, 1);
        return events[LedgerDraft.DeliverBytes..];
    }

    private ReadOnlySpan<byte> ApplyClear(ReadOnlySpan<byte> events)
    {
        var segment = BinaryPrimitives.ReadInt32LittleEndian(events[1..]);
        _loaded[segment] = [];
        _pending.Remove(segment);
        _removed.Add(segment);
        _changed.Remove(segment);
        _captured.Remove(segment);
        return events[LedgerDraft.ClearBytes..];
    }

    private void Add(int key, long amount)
    {
        var segment = key / KeysInSegment;
        if (_removed.Remove(segment))
        {
            _loaded[segment] = [];
        }

        _changed.Add(segment);
        Total += amount;
        if (_loaded.TryGetValue(segment, out var loaded))
        {
            loaded[key] = loaded.GetValueOrDefault(key) + amount;
            return;
        }

        if (!_pending.TryGetValue(segment, out var pending))
        {
            _pending[segment] = pending = [];
        }

        pending.Add((key, amount));
    }

    private static ReadOnlyMemory<byte> Encode(SortedDictionary<int, long> amounts)
    {
        var bytes = new byte[amounts.Count * 12];
        var i = 0;
        foreach (var (key, amount) in amounts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i), key);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i + 4), amount);
            i += 12;
        }

        return bytes;
    }

    private static SortedDictionary<int, long> Decode(ReadOnlySpan<byte> bytes)
    {
        var amounts = new SortedDictionary<int, long>();
        for (var i = 0; i < bytes.Length; i += 12)
        {
            amounts[BinaryPrimitives.ReadInt32LittleEndian(bytes[i..])] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i + 4)..]);
        }

        return amounts;
    }

    private T Alone<T>(Func<T> work)
    {
        Assert.Equal(0, Interlocked.Exchange(ref _inside, 1));
        try
        {
            return work();
        }
        finally
        {
            Interlocked.Exchange(ref _inside, 0);
        }
    }
}
