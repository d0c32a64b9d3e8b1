using System.Diagnostics.Metrics;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Sqlite.Blobs;
using MailGrains.Storage.Sqlite.Files;
using MailGrains.Storage.Sqlite.Tables;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite;

/// <summary>
/// The embedded store: one folder with one SQLite file for all tables (the cluster's too) and a folder of blobs.
/// <para>
/// Holds: what a commit or a blob's write has returned for survives the process, the machine and a power cut; a folder serves one
/// host, or several that have all agreed to share it; a file of a newer format is not opened, let alone changed.
/// </para>
/// <para>Disposing writes what waits, moves the WAL into the file and lets the folder go; every call after that is <see cref="StoreFailure.Unavailable"/>.</para>
/// </summary>
public sealed class SqliteStore : IDisposable, IAsyncDisposable
{
    private const int BlobSyncThreads = 4;

    private readonly StoreFolder _folder;
    private readonly SqliteTables _tables;
    private readonly SyncThreads _threads;
    private readonly BlobFolder _blobs;
    private bool _disposed;

    private SqliteStore(StoreFolder folder, SqliteStoreOptions options, TimeProvider time, StoreMetrics? metrics)
    {
        _folder = folder;
        BlobFolder.RemoveLeftovers(folder, options.Shared, time);
        _tables = new SqliteTables(new Database(folder.DatabasePath, options.BusyTimeout), options, metrics);
        _threads = new SyncThreads(BlobSyncThreads);
        _blobs = new BlobFolder(folder, _threads);
        Accounts = new StorageAccounts([new StorageAccount(0, _tables, _blobs)], _tables);
    }

    /// <summary>The absolute path of the data folder.</summary>
    public string Path => _folder.Path;

    public ITableStore Tables => _tables;

    public IBlobStore Blobs => _blobs;

    /// <summary>The one account, number 0; the cluster's tables lie in the same file.</summary>
    public StorageAccounts Accounts { get; }

    /// <summary>Opens the folder, making it when it is absent.</summary>
    /// <param name="meters">Where its <see cref="StoreMetrics"/> belong; null: nothing is counted.</param>
    /// <exception cref="StoreException">
    /// <see cref="StoreFailure.Unavailable"/>: another host has the folder, or it can't be used; <see cref="StoreFailure.Unreadable"/>:
    /// a newer release, or another program, wrote the file.
    /// </exception>
    public static SqliteStore Open(SqliteStoreOptions options, TimeProvider? time = null, IMeterFactory? meters = null)
    {
        var folder = StoreFolder.Open(options.Path, options.Shared);
        try
        {
            var metrics = meters is null ? null : new StoreMetrics(meters.Create(StoreMetrics.MeterName), "sqlite");
            return new SqliteStore(folder, options, time ?? TimeProvider.System, metrics);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (!Interlocked.Exchange(ref _disposed, true))
        {
            _blobs.Close();
            _threads.Dispose();
            _tables.Dispose();
            _folder.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
