using System.Buffers.Binary;
using System.Globalization;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Journals;

/// <summary>
/// The rows <c>j:{sequence:D19}</c>: the events of one commit behind a format byte and the time of the commit, cut into properties
/// <c>e0</c>, <c>e1</c> … of at most <see cref="TableLimits.MaxPropertyBytes"/>.
/// </summary>
internal static class JournalRows
{
    public const string Prefix = "j:";

    /// <summary>The most bytes of events that one commit holds: 15 properties, which is what a row of 1 MiB takes.</summary>
    public const int MaxEventBytes = MaxChunks * TableLimits.MaxPropertyBytes - FrameBytes;

    private const byte Format = 1;
    private const int FrameBytes = 9;
    private const int MaxChunks = 15;

    private static readonly string[] Names = [.. Enumerable.Range(0, MaxChunks).Select(i => "e" + i.ToString(CultureInfo.InvariantCulture))];

    public static string Key(long sequence) =>
        string.Create(CultureInfo.InvariantCulture, stackalloc char[32], $"{Prefix}{sequence:D19}");

    public static KeyRange Range(long first, long last) => KeyRange.Between(Key(first), Key(last));

    public static long Sequence(TableRow row) =>
        row.Row.Length == Prefix.Length + 19 && row.Row.StartsWith(Prefix, StringComparison.Ordinal) &&
        long.TryParse(row.Row.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence)
            ? sequence
            : throw new StoreException(StoreFailure.Unreadable, $"'{row.Row}' of '{row.Partition}' is no journal row.");

    /// <summary>What a row with that many bytes of events takes of a transaction, at the most.</summary>
    public static int EncodedSize(int eventBytes)
    {
        var bytes = eventBytes + FrameBytes;
        var chunks = (bytes + TableLimits.MaxPropertyBytes - 1) / TableLimits.MaxPropertyBytes;
        return 256 + 32 + chunks * (64 + 3 + 4) + bytes / 3 * 4;
    }

    public static RowProperties Encode(DateTimeOffset at, ReadOnlySpan<byte> events)
    {
        var bytes = new byte[FrameBytes + events.Length];
        bytes[0] = Format;
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(1), at.ToUnixTimeMilliseconds());
        events.CopyTo(bytes.AsSpan(FrameBytes));
        if (bytes.Length <= TableLimits.MaxPropertyBytes)
        {
            return new RowProperties(Names[0], bytes);
        }

        var chunks = new KeyValuePair<string, TableValue>[(bytes.Length + TableLimits.MaxPropertyBytes - 1) / TableLimits.MaxPropertyBytes];
        for (var i = 0; i < chunks.Length; i++)
        {
            var start = i * TableLimits.MaxPropertyBytes;
            ReadOnlyMemory<byte> chunk = bytes.AsMemory(start, Math.Min(TableLimits.MaxPropertyBytes, bytes.Length - start));
            chunks[i] = new(Names[i], chunk);
        }

        return new RowProperties(chunks);
    }

    public static ReadOnlySpan<byte> Decode(TableRow row, out DateTimeOffset at)
    {
        var bytes = Joined(row).Span;
        if (bytes.Length < FrameBytes || bytes[0] != Format)
        {
            throw new StoreException(StoreFailure.Unreadable, bytes.Length > 0 && bytes[0] > Format
                ? $"Journal row '{row.Row}' of '{row.Partition}' has format {bytes[0]}; this release reads {Format}."
                : $"Journal row '{row.Row}' of '{row.Partition}' is damaged.");
        }

        at = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(bytes[1..]));
        return bytes[FrameBytes..];
    }

    private static ReadOnlyMemory<byte> Joined(TableRow row)
    {
        var first = row.Bytes(Names[0]) ?? default;
        if (row.Bytes(Names[1]) is null)
        {
            return first;
        }

        var whole = new MemoryStream();
        foreach (var name in Names)
        {
            if (row.Bytes(name) is not { } chunk)
            {
                break;
            }

            whole.Write(chunk.Span);
        }

        return whole.ToArray();
    }
}
