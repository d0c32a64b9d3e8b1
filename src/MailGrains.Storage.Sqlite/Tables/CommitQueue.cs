namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>What waits for the writer, bounded in number and bytes. Many callers put, one thread takes.</summary>
internal sealed class CommitQueue(int maxCommits, long maxBytes)
{
    private readonly Queue<PendingCommit> _waiting = new();
    private long _bytes;
    private bool _asleep;
    private bool _closed;

    /// <summary>False when the bound is reached or the queue is closed.</summary>
    public bool TryAdd(PendingCommit commit)
    {
        lock (_waiting)
        {
            if (_closed || _waiting.Count >= maxCommits || (_bytes + commit.Length > maxBytes && _waiting.Count > 0))
            {
                return false;
            }

            _waiting.Enqueue(commit);
            _bytes += commit.Length;
            if (_asleep)
            {
                _asleep = false;
                Monitor.Pulse(_waiting);
            }

            return true;
        }
    }

    /// <summary>
    /// Takes what waits, up to the bounds of a group (at least one); waits where nothing does. False once the queue is closed and empty.
    /// </summary>
    public bool Take(List<PendingCommit> group, int maxGroup, long maxGroupBytes)
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0 && !_closed)
            {
                _asleep = true;
                Monitor.Wait(_waiting);
            }

            var bytes = 0L;
            while (group.Count < maxGroup && _waiting.TryPeek(out var next) && (group.Count == 0 || bytes + next.Length <= maxGroupBytes))
            {
                group.Add(_waiting.Dequeue());
                bytes += next.Length;
            }

            _bytes -= bytes;
            return group.Count > 0;
        }
    }

    /// <summary>Takes no more; what waits is still taken.</summary>
    public void Close()
    {
        lock (_waiting)
        {
            _closed = true;
            Monitor.Pulse(_waiting);
        }
    }
}
