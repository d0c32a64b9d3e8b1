namespace MailGrains.Storage.Journals;

/// <summary>
/// Reads segments of the snapshot in force. Which blob that is, is decided when the call is made; a blob that is being read is not deleted
/// by a snapshot that is written meanwhile (the sweep gets it later).
/// </summary>
internal sealed class CommittedSegments(SnapshotBlobs blobs, string partition) : ISegmentReader
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _reading = new(StringComparer.Ordinal);
    private SnapshotHead? _head;

    public SnapshotHead? Head
    {
        get
        {
            lock (_gate)
            {
                return _head;
            }
        }

        set
        {
            lock (_gate)
            {
                _head = value;
            }
        }
    }

    /// <summary>Asked where a blob is gone: throws when that is because another writer has the owner.</summary>
    public Func<CancellationToken, ValueTask>? WhenMissing { get; set; }

    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(int segment, CancellationToken cancellationToken)
    {
        var (name, length) = Enter(segment);
        try
        {
            if (await blobs.ReadAsync(name, cancellationToken) is { } bytes)
            {
                return bytes.Length == length
                    ? bytes
                    : throw new StoreException(StoreFailure.Unreadable, $"'{name}' has {bytes.Length} bytes, not {length}.");
            }
        }
        finally
        {
            Leave(name);
        }

        if (WhenMissing is { } check)
        {
            await check(cancellationToken);
        }

        throw new StoreException(StoreFailure.Unreadable, $"'{name}' is missing.");
    }

    public bool IsReading(string name)
    {
        lock (_gate)
        {
            return _reading.ContainsKey(name);
        }
    }

    private (string Name, int Length) Enter(int segment)
    {
        lock (_gate)
        {
            if (_head is null || !_head.Segments.TryGetValue(segment, out var blob))
            {
                throw new StoreException(StoreFailure.Unreadable, $"The snapshot of '{partition}' has no segment {segment}.");
            }

            var name = blobs.NameOf(segment, blob);
            _reading[name] = _reading.GetValueOrDefault(name) + 1;
            return (name, blob.Length);
        }
    }

    private void Leave(string name)
    {
        lock (_gate)
        {
            if (--_reading[name] == 0)
            {
                _reading.Remove(name);
            }
        }
    }
}
