namespace MailGrains.Storage.Blobs;

/// <summary>
/// The blobs of one storage account. A blob is written once, from a stream, and never changed. Names are ours, never user text:
/// segments of <see cref="Tables.TableKey"/> characters joined by '/'.
/// </summary>
public interface IBlobStore
{
    /// <summary>
    /// Writes a new blob; when it returns, the bytes and the name are on stable storage. Where <paramref name="content"/> throws, or the
    /// call is cancelled, no blob of that name becomes visible. Returns the length in bytes.
    /// </summary>
    /// <exception cref="StoreException">Failed; <see cref="StoreFailure.Refused"/> where a blob of that name exists.</exception>
    Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a blob for reading from <paramref name="offset"/> for at most <paramref name="length"/> bytes (null: to its end);
    /// null when there is none. Where the bytes can't be read on later, the stream throws an <see cref="IOException"/>.
    /// </summary>
    Task<Stream?> ReadAsync(string name, long offset, long? length, CancellationToken cancellationToken);

    /// <summary>Deletes a blob; false when there was none.</summary>
    Task<bool> DeleteAsync(string name, CancellationToken cancellationToken);

    /// <summary>Lists the blobs whose names start with <paramref name="prefix"/>, in ordinal order of their names.</summary>
    IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken);
}

/// <summary>A listed blob; <see cref="Length"/> in bytes.</summary>
public readonly record struct BlobItem(string Name, long Length, DateTimeOffset Created);
