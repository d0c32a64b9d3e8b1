namespace MailGrains.Testing.Hosts;

/// <summary>The last lines that a process wrote; older ones are dropped, so that it may write for hours.</summary>
public sealed class RecentLines
{
    private const int Capacity = 2000;

    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = [];
    private readonly List<(Func<string, bool> Wanted, TaskCompletionSource<string> Found)> _waiting = [];
    private bool _ended;

    public void Add(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line);
            if (_lines.Count > Capacity)
            {
                _lines.Dequeue();
            }

            _waiting.RemoveAll(w => w.Wanted(line) && w.Found.TrySetResult(line));
        }
    }

    /// <summary>No more lines come: who still waits is told so.</summary>
    public void End()
    {
        lock (_lock)
        {
            _ended = true;
            _waiting.ForEach(w => w.Found.TrySetException(new EndOfStreamException("The process ended before it wrote that line.")));
            _waiting.Clear();
        }
    }

    /// <summary>The last line kept, or else the next one, that is wanted.</summary>
    public Task<string> WaitAsync(Func<string, bool> wanted, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_lines.LastOrDefault(wanted) is { } line)
            {
                return Task.FromResult(line);
            }

            if (_ended)
            {
                return Task.FromException<string>(new EndOfStreamException("The process ended without that line."));
            }

            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((wanted, found));
            return found.Task.WaitAsync(cancellationToken);
        }
    }

    public override string ToString()
    {
        lock (_lock)
        {
            return string.Join('\n', _lines);
        }
    }
}
