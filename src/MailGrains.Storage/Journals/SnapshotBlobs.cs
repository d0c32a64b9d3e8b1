using System.Globalization;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The blobs of one partition's snapshots: <c>snapshot/{partition}/{sequence:D19}-head-{random}</c> and
/// <c>snapshot/{partition}/{sequence:D19}-{segment}-{random}</c>. The partition is made of <see cref="TableKey"/>s, so it stands for itself.
/// </summary>
internal sealed class SnapshotBlobs(IBlobStore blobs, string partition)
{
    public string Prefix { get; } = $"snapshot/{partition}/";

    public string NameOf(SnapshotId id) => Name(id.Sequence, "head", id.Random);

    public string NameOf(int segment, SegmentBlob blob) => Name(blob.Sequence, segment.ToString(CultureInfo.InvariantCulture), blob.Random);

    /// <summary>The names of all blobs that a head keeps alive, itself included.</summary>
    public HashSet<string> NamesOf(SnapshotHead head)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { NameOf(head.Id) };
        names.UnionWith(head.Kept.Select(kept => NameOf(kept.Id)));
        names.UnionWith(head.Segments.Select(segment => NameOf(segment.Key, segment.Value)));
        names.UnionWith(head.Retired.Select(retired => NameOf(retired.Segment, retired.Blob)));
        return names;
    }

    public async Task WriteAsync(string name, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var content = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
        await blobs.WriteAsync(name, content, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a whole blob; null when there is none.</summary>
    public async Task<ReadOnlyMemory<byte>?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        var stream = await blobs.ReadAsync(name, 0, null, cancellationToken).ConfigureAwait(false);
        if (stream is null)
        {
            return null;
        }

        await using (stream.ConfigureAwait(false))
        {
            using var whole = new MemoryStream();
            await stream.CopyToAsync(whole, cancellationToken).ConfigureAwait(false);
            return whole.GetBuffer().AsMemory(0, (int)whole.Length);
        }
    }

    /// <summary>Reads a head and what it names; null when there is none.</summary>
    public async Task<SnapshotHead?> ReadHeadAsync(SnapshotId id, CancellationToken cancellationToken)
    {
        if (await ReadAsync(NameOf(id), cancellationToken).ConfigureAwait(false) is not { } bytes)
        {
            return null;
        }

        var head = SnapshotHead.Decode(bytes);
        return head.Id == id ? head : throw new StoreException(StoreFailure.Unreadable, $"'{NameOf(id)}' holds another snapshot.");
    }

    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) => blobs.DeleteAsync(name, cancellationToken);

    public IAsyncEnumerable<BlobItem> ListAsync(CancellationToken cancellationToken) => blobs.ListAsync(Prefix, cancellationToken);

    private string Name(long sequence, string part, ulong random) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{sequence:D19}-{part}-{random:x16}");
}
