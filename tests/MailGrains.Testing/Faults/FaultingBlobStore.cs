using MailGrains.Storage;
using MailGrains.Storage.Blobs;

namespace MailGrains.Testing.Faults;

/// <summary>What happens to the writing of a blob instead of going well.</summary>
public enum BlobFault
{
    /// <summary>Nothing is written: <see cref="StoreFailure.Unknown"/>.</summary>
    LostBefore,

    /// <summary>All is written: <see cref="StoreFailure.Unknown"/>.</summary>
    LostAfter,

    /// <summary>Nothing is written and no answer comes until the caller cancels.</summary>
    Hang,

    /// <summary><see cref="StoreFailure.Full"/>: nothing is written.</summary>
    Full,

    /// <summary><see cref="StoreFailure.Unavailable"/>: nothing is written.</summary>
    Unavailable,
}

/// <summary>A real blob store with faults on order, and with counts of what reached it. Thread-safe.</summary>
public sealed class FaultingBlobStore(IBlobStore inner) : IBlobStore
{
    private readonly Lock _gate = new();
    private readonly Queue<BlobFault> _faults = new();
    private long _writes;
    private long _bytesWritten;
    private long _reads;
    private long _deletes;

    public long Writes => Interlocked.Read(ref _writes);

    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    public long Reads => Interlocked.Read(ref _reads);

    public long Deletes => Interlocked.Read(ref _deletes);

    /// <summary>Decides the fault of a write (by name) that no <see cref="FailWrite"/> is left for; null lets it through.</summary>
    public Func<string, BlobFault?>? WhenWriting { get; set; }

    /// <summary>Runs before each read, with the blob's name; may throw, or wait.</summary>
    public Func<string, Task>? BeforeRead { get; set; }

    /// <summary>Runs before each write, with the blob's name; may throw, or wait.</summary>
    public Func<string, Task>? BeforeWrite { get; set; }

    /// <summary>The next writes fail, one fault each.</summary>
    public void FailWrite(params ReadOnlySpan<BlobFault> faults)
    {
        lock (_gate)
        {
            foreach (var fault in faults)
            {
                _faults.Enqueue(fault);
            }
        }
    }

    /// <summary>Takes back all faults that are left.</summary>
    public void Heal()
    {
        lock (_gate)
        {
            _faults.Clear();
        }

        WhenWriting = null;
        BeforeRead = null;
        BeforeWrite = null;
    }

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        if (BeforeWrite is { } before)
        {
            await before(name);
        }

        switch (NextFault(name))
        {
            case null:
                return await PassAsync(name, content, cancellationToken);
            case BlobFault.LostBefore:
                throw new StoreException(StoreFailure.Unknown, "The request was lost.");
            case BlobFault.LostAfter:
                await PassAsync(name, content, cancellationToken);
                throw new StoreException(StoreFailure.Unknown, "The reply was lost.");
            case BlobFault.Hang:
                await Task.Delay(Timeout.Infinite, cancellationToken);
                throw new InvalidOperationException("A hanging write has ended.");
            case BlobFault.Full:
                throw new StoreException(StoreFailure.Full, "No room.");
            default:
                throw new StoreException(StoreFailure.Unavailable, "Busy.");
        }
    }

    public async Task<Stream?> ReadAsync(string name, long offset, long? length, CancellationToken cancellationToken)
    {
        if (BeforeRead is { } before)
        {
            await before(name);
        }

        Interlocked.Increment(ref _reads);
        return await inner.ReadAsync(name, offset, length, cancellationToken);
    }

    public async Task<bool> DeleteAsync(string name, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _deletes);
        return await inner.DeleteAsync(name, cancellationToken);
    }

    public IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken) => inner.ListAsync(prefix, cancellationToken);

    private async Task<long> PassAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        var length = await inner.WriteAsync(name, content, cancellationToken);
        Interlocked.Increment(ref _writes);
        Interlocked.Add(ref _bytesWritten, length);
        return length;
    }

    private BlobFault? NextFault(string name)
    {
        lock (_gate)
        {
            return _faults.TryDequeue(out var fault) ? fault : WhenWriting?.Invoke(name);
        }
    }
}
