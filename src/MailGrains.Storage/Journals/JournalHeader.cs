using System.Buffers.Binary;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>Names one transaction of one activation: 8 random bytes of the activation and its count of transactions.</summary>
public readonly record struct BatchId(ulong Writer, ulong Number);

/// <summary>Names a snapshot: the last sequence that it holds, and random bytes, since two activations may write one at the same time.</summary>
public readonly record struct SnapshotId(long Sequence, ulong Random);

/// <summary>
/// The row <c>h</c> of an owner's partition: the owner exists by it, and every commit replaces it, so that its ETag fences writers.
/// One binary property: format, status, batch id of the writer, last sequence, first sequence whose row is kept, snapshot, time of
/// deletion; fixed length, little-endian. Rows <c>j:</c> exist for <see cref="First"/> to <see cref="Sequence"/> without a gap.
/// </summary>
public sealed record JournalHeader(
    JournalStatus Status, BatchId Batch, long Sequence, long First, SnapshotId? Snapshot, DateTimeOffset? DeletedAt)
{
    public const string Row = "h";

    private const string Property = "h";
    private const byte Format = 1;
    private const int Length = 58;

    /// <summary>What the header takes of a transaction, at the most.</summary>
    internal const int EncodedBytes = 512;

    /// <summary>The header of an owner that is about to be made.</summary>
    internal static JournalHeader New(BatchId batch) => new(JournalStatus.Live, batch, 0, 1, null, null);

    internal RowProperties Encode()
    {
        var bytes = new byte[Length];
        bytes[0] = Format;
        bytes[1] = (byte)Status;
        var fields = bytes.AsSpan(2);
        BinaryPrimitives.WriteUInt64LittleEndian(fields, Batch.Writer);
        BinaryPrimitives.WriteUInt64LittleEndian(fields[8..], Batch.Number);
        BinaryPrimitives.WriteInt64LittleEndian(fields[16..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(fields[24..], First);
        BinaryPrimitives.WriteInt64LittleEndian(fields[32..], Snapshot?.Sequence ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(fields[40..], Snapshot?.Random ?? 0);
        BinaryPrimitives.WriteInt64LittleEndian(fields[48..], DeletedAt?.ToUnixTimeMilliseconds() ?? 0);
        return new RowProperties(Property, bytes);
    }

    /// <summary>Reads the header of a partition; anyone may look whether an owner lives.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>: a newer format, or damage.</exception>
    public static JournalHeader Decode(TableRow row)
    {
        if (row.Bytes(Property) is not { Length: > 0 } stored)
        {
            throw new StoreException(StoreFailure.Unreadable, $"The header of '{row.Partition}' has no content.");
        }

        var bytes = stored.Span;
        if (bytes[0] != Format)
        {
            throw new StoreException(StoreFailure.Unreadable, $"The header of '{row.Partition}' has format {bytes[0]}; this release reads {Format}.");
        }

        var status = (JournalStatus)bytes[1];
        if (bytes.Length != Length || status is not (JournalStatus.Live or JournalStatus.Deleted))
        {
            throw new StoreException(StoreFailure.Unreadable, $"The header of '{row.Partition}' is damaged.");
        }

        var fields = bytes[2..];
        var snapshot = new SnapshotId(BinaryPrimitives.ReadInt64LittleEndian(fields[32..]), BinaryPrimitives.ReadUInt64LittleEndian(fields[40..]));
        var deletedAt = BinaryPrimitives.ReadInt64LittleEndian(fields[48..]);
        return new JournalHeader(
            status,
            new BatchId(BinaryPrimitives.ReadUInt64LittleEndian(fields), BinaryPrimitives.ReadUInt64LittleEndian(fields[8..])),
            BinaryPrimitives.ReadInt64LittleEndian(fields[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(fields[24..]),
            snapshot.Sequence == 0 ? null : snapshot,
            deletedAt == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(deletedAt));
    }
}
