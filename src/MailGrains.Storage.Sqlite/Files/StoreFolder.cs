using System.Globalization;

namespace MailGrains.Storage.Sqlite.Files;

/// <summary>
/// The data folder and its lock.
/// <code>
/// mailgrains.db (-wal, -shm)   the tables
/// blobs/                       the blobs
/// incoming/                    blobs that are being written; what a crash left here is removed
/// host.lock                    locked while a host runs, exclusively or shared; the lock ends with the process, whatever its end
/// host.pid                     the last process that took the lock alone, for the message that a second one gets
/// </code>
/// </summary>
internal sealed class StoreFolder : IDisposable
{
    private readonly FileStream _lock;

    private StoreFolder(string path, FileStream hostLock)
    {
        Path = path;
        _lock = hostLock;
    }

    public string Path { get; }

    public string DatabasePath => System.IO.Path.Combine(Path, "mailgrains.db");

    public string BlobsPath => System.IO.Path.Combine(Path, "blobs");

    public string IncomingPath => System.IO.Path.Combine(Path, "incoming");

    /// <exception cref="StoreException"><see cref="StoreFailure.Unavailable"/>: another host has the folder, or it can't be used.</exception>
    public static StoreFolder Open(string path, bool shared)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path);
            var folder = new StoreFolder(path, Lock(path, shared));
            try
            {
                Directory.CreateDirectory(folder.BlobsPath);
                Directory.CreateDirectory(folder.IncomingPath);
                DurableFiles.SyncDirectory(path);
                return folder;
            }
            catch
            {
                folder.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException(StoreFailure.Unavailable, $"The data folder '{path}' can't be used: {e.Message}", e);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Lock(string path, bool shared)
    {
        var pidPath = System.IO.Path.Combine(path, "host.pid");
        FileStream hostLock;
        try
        {
            // On Unix FileShare.None is an exclusive flock and every other share a shared one; on Windows the shares exclude each other.
            hostLock = new FileStream(
                System.IO.Path.Combine(path, "host.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
                shared ? FileShare.ReadWrite : FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && !e.IsDiskFull())
        {
            throw new StoreException(StoreFailure.Unavailable, InUse(path, shared, pidPath), e);
        }

        if (shared)
        {
            File.Delete(pidPath);
        }
        else
        {
            File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }

        return hostLock;
    }

    private static string InUse(string path, bool shared, string pidPath)
    {
        var holder = File.Exists(pidPath)
            ? $"the process {File.ReadAllText(pidPath)}"
            : "hosts that share it";
        return shared
            ? $"The data folder '{path}' is in use by {holder}, which does not share it. Stop it, or let all hosts share the folder."
            : $"The data folder '{path}' is in use by {holder}. Stop it, or give this host a folder of its own.";
    }
}
