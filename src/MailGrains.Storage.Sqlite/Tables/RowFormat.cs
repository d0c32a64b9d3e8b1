using System.Buffers.Binary;
using System.Text;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// A row's properties as bytes.
/// <code>
/// row       format (1), count (1), property*
/// property  length of the name (1), name (UTF-8), kind (1), value
/// value     text, bytes: length (4, big-endian), content;  number: 8 bytes, big-endian
/// </code>
/// A reader that meets another format refuses (<see cref="StoreFailure.Unreadable"/>).
/// </summary>
internal static class RowFormat
{
    public const byte Format = 1;

    private const int FrameBytes = 2 + 4;

    /// <summary>At least the bytes that <see cref="Write"/> writes.</summary>
    public static int MaxLength(IReadOnlyDictionary<string, TableValue> properties)
    {
        var length = 2;
        foreach (var (name, value) in properties)
        {
            length += FrameBytes + (3 * name.Length) + value.Kind switch
            {
                TableValueKind.Text => 3 * value.AsText!.Length,
                TableValueKind.Bytes => value.AsBytes!.Value.Length,
                _ => sizeof(long),
            };
        }

        return length;
    }

    public static int Write(IReadOnlyDictionary<string, TableValue> properties, Span<byte> target)
    {
        target[0] = Format;
        target[1] = checked((byte)properties.Count);
        var at = 2;
        foreach (var (name, value) in properties)
        {
            var nameLength = Encoding.UTF8.GetBytes(name, target[(at + 1)..]);
            target[at] = checked((byte)nameLength);
            at += 1 + nameLength;
            target[at++] = (byte)value.Kind;
            at += WriteValue(value, target[at..]);
        }

        return at;
    }

    /// <exception cref="StoreException"><see cref="StoreFailure.Unreadable"/>.</exception>
    public static IReadOnlyDictionary<string, TableValue> Read(byte[] row)
    {
        try
        {
            if (row[0] != Format)
            {
                throw new StoreException(StoreFailure.Unreadable, $"A row has format {row[0]}; this release reads format {Format}.");
            }

            var properties = new KeyValuePair<string, TableValue>[row[1]];
            var at = 2;
            for (var i = 0; i < properties.Length; i++)
            {
                var name = Encoding.UTF8.GetString(row, at + 1, row[at]);
                at += 1 + row[at];
                properties[i] = new(name, ReadValue(row, ref at));
            }

            return new RowProperties(properties);
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException)
        {
            throw new StoreException(StoreFailure.Unreadable, "A row is damaged.", e);
        }
    }

    private static int WriteValue(TableValue value, Span<byte> target)
    {
        switch (value.Kind)
        {
            case TableValueKind.Text:
                var length = Encoding.UTF8.GetBytes(value.AsText!, target[4..]);
                BinaryPrimitives.WriteInt32BigEndian(target, length);
                return 4 + length;
            case TableValueKind.Bytes:
                var bytes = value.AsBytes!.Value.Span;
                BinaryPrimitives.WriteInt32BigEndian(target, bytes.Length);
                bytes.CopyTo(target[4..]);
                return 4 + bytes.Length;
            default:
                BinaryPrimitives.WriteInt64BigEndian(target, value.AsNumber!.Value);
                return sizeof(long);
        }
    }

    private static TableValue ReadValue(byte[] row, ref int at)
    {
        var kind = (TableValueKind)row[at++];
        if (kind == TableValueKind.Number)
        {
            at += sizeof(long);
            return BinaryPrimitives.ReadInt64BigEndian(row.AsSpan(at - sizeof(long)));
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(row.AsSpan(at));
        at += 4 + length;
        return kind switch
        {
            TableValueKind.Text => Encoding.UTF8.GetString(row, at - length, length),
            TableValueKind.Bytes => new ReadOnlyMemory<byte>(row, at - length, length),
            _ => throw new StoreException(StoreFailure.Unreadable, $"A row holds a value of unknown kind {(int)kind}."),
        };
    }
}
