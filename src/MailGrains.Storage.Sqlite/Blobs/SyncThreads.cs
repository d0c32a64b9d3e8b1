using System.Collections.Concurrent;

namespace MailGrains.Storage.Sqlite.Blobs;

/// <summary>A few threads for calls that block on the disk; the file system merges the journal commits of syncs that run side by side.</summary>
internal sealed class SyncThreads : IDisposable
{
    private const int MaxWaiting = 4096;

    private readonly BlockingCollection<(Action Work, TaskCompletionSource Done)> _waiting = new(MaxWaiting);
    private readonly Thread[] _threads;

    public SyncThreads(int count)
    {
        _threads = [.. Enumerable.Range(0, count).Select(i => new Thread(Run) { IsBackground = true, Name = $"MailGrains blob sync {i}" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    /// <exception cref="StoreException"><see cref="StoreFailure.Unavailable"/>: too many wait, or the store is closed.</exception>
    public Task RunAsync(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            return _waiting.TryAdd((work, done)) ? done.Task : throw Unavailable("Too many blobs wait for the disk.");
        }
        catch (InvalidOperationException)
        {
            throw Unavailable("The store is closed.");
        }
    }

    /// <summary>Finishes what waits.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }

    private static StoreException Unavailable(string message) => new(StoreFailure.Unavailable, message);

    private void Run()
    {
        foreach (var (work, done) in _waiting.GetConsumingEnumerable())
        {
            try
            {
                work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }
}
