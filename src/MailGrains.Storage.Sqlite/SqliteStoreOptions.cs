namespace MailGrains.Storage.Sqlite;

/// <summary>Where the embedded store lies and what it may hold in memory; immutable.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The data folder; made when absent. It has to be on a local file system: SQLite's WAL needs shared memory.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Several host processes of one machine share the folder as members of one cluster. A folder is open either to any number of
    /// hosts that share it or to a single one that does not.
    /// </summary>
    public bool Shared { get; init; }

    /// <summary>Transactions that may wait for the writer; one more is refused at once with <see cref="StoreFailure.Unavailable"/>.</summary>
    public int MaxWaitingCommits { get; init; } = 10_000;

    /// <summary>Encoded bytes that may wait for the writer, refused alike.</summary>
    public long MaxWaitingBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>How long a commit waits for the writers of other processes before it is <see cref="StoreFailure.Unavailable"/>.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
