using System.Buffers;
using System.Runtime.CompilerServices;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Sqlite.Files;
using Microsoft.Win32.SafeHandles;

namespace MailGrains.Storage.Sqlite.Blobs;

/// <summary>
/// The blobs as files. A blob is written under a name of its own in <c>incoming</c>, synced, given its final name where that is free, and
/// its directory is synced, new directories and those above them too, before the write returns: then bytes and name survive a
/// power cut. A crash before that leaves a file in <c>incoming</c>, which the next opening removes.
/// <para>Syncs block, so they run on threads of their own (<see cref="SyncThreads"/>), not on the thread pool.</para>
/// </summary>
internal sealed class BlobFolder(StoreFolder folder, SyncThreads threads) : IBlobStore
{
    private const int CopyBytes = 128 * 1024;
    private const int MaxDirectoryTries = 100;

    private readonly string _root = folder.BlobsPath;
    private volatile bool _closed;

    public async Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = PathOf(name);
        if (File.Exists(path))
        {
            throw Taken(name);
        }

        var incoming = Path.Combine(folder.IncomingPath, Guid.NewGuid().ToString("N"));
        try
        {
            long length;
            using (var file = Create(incoming))
            {
                length = await CopyAsync(content, file, cancellationToken).ConfigureAwait(false);
                await threads.RunAsync(() => Sync(file, incoming)).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            await threads.RunAsync(() => Publish(incoming, path, name)).ConfigureAwait(false);
            return length;
        }
        finally
        {
            RemoveIncoming(incoming);
        }
    }

    public Task<Stream?> ReadAsync(string name, long offset, long? length, CancellationToken cancellationToken) =>
        Now(name, path =>
        {
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            try
            {
                var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
                return (Stream?)new BlobStream(file, offset, length ?? long.MaxValue);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        }, cancellationToken);

    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) =>
        Now(name, path =>
        {
            if (!File.Exists(path))
            {
                return false;
            }

            File.Delete(path);
            RemoveEmptyDirectories(Path.GetDirectoryName(path)!);
            return true;
        }, cancellationToken);

    public async IAsyncEnumerable<BlobItem> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (BlobName.PrefixViolation(prefix) is { } violation)
        {
            throw new StoreException(StoreFailure.Refused, $"Refused: {violation}.");
        }

        CheckOpen();
        foreach (var item in BlobListing.Of(_root, prefix))
        {
            CheckOpen();
            cancellationToken.ThrowIfCancellationRequested();
            yield return item;
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    /// <summary>Takes no more calls: the folder may soon be another host's. Streams that are open are read to their end.</summary>
    public void Close() => _closed = true;

    /// <summary>Removes what crashes have left; with other hosts on the folder only what is older than a day.</summary>
    public static void RemoveLeftovers(StoreFolder folder, bool shared, TimeProvider time)
    {
        var before = shared ? time.GetUtcNow().AddDays(-1) : DateTimeOffset.MaxValue;
        foreach (var file in new DirectoryInfo(folder.IncomingPath).EnumerateFiles())
        {
            if (file.LastWriteTimeUtc < before)
            {
                file.Delete();
            }
        }
    }

    private static async Task<long> CopyAsync(Stream content, SafeFileHandle file, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            for (var length = 0L; ;)
            {
                var read = await content.ReadAtLeastAsync(buffer, CopyBytes, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return length;
                }

                Write(file, buffer.AsSpan(0, read), length);
                length += read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static SafeFileHandle Create(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(e);
        }
    }

    private static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    private static void RemoveIncoming(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The blob has its final name or will never have one: the next opening removes this one.
        }
    }

    private static void Sync(SafeFileHandle file, string path)
    {
        try
        {
            DurableFiles.SyncFile(file, path);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    private void Publish(string incoming, string path, string name)
    {
        var named = false;
        try
        {
            while (true)
            {
                MakeDirectory(Path.GetDirectoryName(path)!);
                try
                {
                    if (!DurableFiles.TryName(incoming, path))
                    {
                        throw Taken(name);
                    }

                    named = true;
                    break;
                }
                catch (DirectoryNotFoundException) when (File.Exists(incoming))
                {
                    // A delete has just removed the empty directory. (The error is the same where what was written is gone.)
                }
            }

            // Clean directories cost microseconds to sync; which of them are new, another process may know better than this one.
            for (var directory = Path.GetDirectoryName(path)!; directory.Length >= _root.Length; directory = Path.GetDirectoryName(directory)!)
            {
                DurableFiles.SyncDirectory(directory);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw named ? new StoreException(StoreFailure.Unknown, $"A blob's name may not be on stable storage: {e.Message}", e) : Failed(e);
        }
    }

    // The call fails with "already exists" where a delete removes the empty directory between its attempt and its look.
    private static void MakeDirectory(string path)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                Directory.CreateDirectory(path);
                return;
            }
            catch (IOException e) when (tries < MaxDirectoryTries && !e.IsDiskFull() && !File.Exists(path))
            {
                // Again: the next attempt makes it.
            }
        }
    }

    private void RemoveEmptyDirectories(string directory)
    {
        try
        {
            for (; directory.Length > _root.Length; directory = Path.GetDirectoryName(directory)!)
            {
                Directory.Delete(directory);
            }
        }
        catch (IOException)
        {
            // Not empty, or removed by another: done either way.
        }
    }

    /// <summary>Runs a call that takes microseconds on the caller's thread.</summary>
    private Task<TResult> Now<TResult>(string name, Func<string, TResult> call, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            return Task.FromResult(call(PathOf(name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Task.FromException<TResult>(new StoreException(StoreFailure.Unavailable, $"Blob '{name}': {e.Message}", e));
        }
        catch (Exception e)
        {
            return Task.FromException<TResult>(e);
        }
    }

    private string PathOf(string name)
    {
        CheckOpen();
        return BlobName.Violation(name) is { } violation
            ? throw new StoreException(StoreFailure.Refused, $"Refused: {violation}.")
            : Path.Combine(_root, BlobPath.Of(name));
    }

    private void CheckOpen()
    {
        if (_closed)
        {
            throw new StoreException(StoreFailure.Unavailable, "The store is closed.");
        }
    }

    private static StoreException Taken(string name) => new(StoreFailure.Refused, $"A blob '{name}' exists.");

    private static StoreException Failed(Exception e) => new(
        e is IOException io && io.IsDiskFull() ? StoreFailure.Full : StoreFailure.Unavailable, $"A blob can't be written: {e.Message}", e);
}
