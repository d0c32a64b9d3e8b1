using System.Buffers;

namespace MailGrains.Storage.Journals;

/// <summary>A segment's blob: the snapshot that wrote it, random bytes of its name, and its length in bytes.</summary>
internal readonly record struct SegmentBlob(long Sequence, ulong Random, int Length);

/// <summary>A segment's blob that the newest snapshot does not use, but one of the kept ones up to <see cref="LastSequence"/> does.</summary>
internal readonly record struct RetiredSegment(int Segment, SegmentBlob Blob, long LastSequence);

/// <summary>An older snapshot that is kept.</summary>
internal readonly record struct KeptSnapshot(SnapshotId Id, DateTimeOffset At);

/// <summary>
/// The blob that the header names: which older snapshots are kept, where the segments lie, and the owner's own head. It names every
/// blob of the partition's snapshots that is still of use, so that sweeping needs no other head. Never changed once written.
/// </summary>
internal sealed record SnapshotHead(
    SnapshotId Id, DateTimeOffset At, IReadOnlyList<KeptSnapshot> Kept, IReadOnlyDictionary<int, SegmentBlob> Segments,
    IReadOnlyList<RetiredSegment> Retired, ReadOnlyMemory<byte> State)
{
    private const byte Format = 1;

    public ReadOnlyMemory<byte> Encode()
    {
        var output = new ArrayBufferWriter<byte>(256 + Segments.Count * 20 + State.Length);
        var write = new CompactWriter(output);
        write.Byte(Format);
        WriteId(write, Id);
        write.Long(At.ToUnixTimeMilliseconds());
        write.Number((ulong)Kept.Count);
        foreach (var kept in Kept)
        {
            WriteId(write, kept.Id);
            write.Long(kept.At.ToUnixTimeMilliseconds());
        }

        write.Number((ulong)Segments.Count);
        foreach (var (segment, blob) in Segments)
        {
            WriteSegment(write, segment, blob);
        }

        write.Number((ulong)Retired.Count);
        foreach (var retired in Retired)
        {
            WriteSegment(write, retired.Segment, retired.Blob);
            write.Long(retired.LastSequence);
        }

        write.Number((ulong)State.Length);
        write.Bytes(State.Span);
        return output.WrittenMemory;
    }

    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>: a newer format, or damage.</exception>
    public static SnapshotHead Decode(ReadOnlyMemory<byte> bytes)
    {
        var read = new CompactReader(bytes.Span);
        if (read.Byte() is var format && format != Format)
        {
            throw new StoreException(StoreFailure.Unreadable, $"The snapshot has format {format}; this release reads {Format}.");
        }

        var id = ReadId(ref read);
        var at = ReadTime(ref read);
        var kept = new KeptSnapshot[read.Count(10)];
        for (var i = 0; i < kept.Length; i++)
        {
            kept[i] = new(ReadId(ref read), ReadTime(ref read));
        }

        var count = read.Count(11);
        var segments = new Dictionary<int, SegmentBlob>(count);
        for (var i = 0; i < count; i++)
        {
            var (segment, blob) = ReadSegment(ref read);
            segments[segment] = blob;
        }

        var retired = new RetiredSegment[read.Count(12)];
        for (var i = 0; i < retired.Length; i++)
        {
            var (segment, blob) = ReadSegment(ref read);
            retired[i] = new(segment, blob, read.Long());
        }

        var length = read.Int();
        return length == read.Rest.Length
            ? new SnapshotHead(id, at, kept, segments, retired, bytes[^length..])
            : throw new StoreException(StoreFailure.Unreadable, "The snapshot is damaged.");
    }

    private static void WriteId(CompactWriter write, SnapshotId id)
    {
        write.Long(id.Sequence);
        write.Fixed64(id.Random);
    }

    private static SnapshotId ReadId(ref CompactReader read) => new(read.Long(), read.Fixed64());

    private static void WriteSegment(CompactWriter write, int segment, SegmentBlob blob)
    {
        write.Number((ulong)segment);
        write.Long(blob.Sequence);
        write.Fixed64(blob.Random);
        write.Number((ulong)blob.Length);
    }

    private static (int Segment, SegmentBlob Blob) ReadSegment(ref CompactReader read) =>
        (read.Int(), new SegmentBlob(read.Long(), read.Fixed64(), read.Int()));

    private static DateTimeOffset ReadTime(ref CompactReader read) => DateTimeOffset.FromUnixTimeMilliseconds(read.Long());
}
