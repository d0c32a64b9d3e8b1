using System.Buffers.Binary;
using System.Text;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;

namespace MailGrains.Grains.Records;

/// <summary>Reads what <see cref="RecordWriter"/> wrote. Whatever is not well formed is <see cref="StoreFailure.Unreadable"/>.</summary>
internal ref struct RecordReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _rest = input;

    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>What is not read yet, for a part that reads itself; <see cref="Continue"/> moves behind it.</summary>
    public readonly ReadOnlySpan<byte> Rest => _rest;

    public void Continue(ReadOnlySpan<byte> rest) => _rest = rest;

    public byte Byte() => Take(1)[0];

    public ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    public long Signed()
    {
        var value = Number();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A count, size or time that is never negative.</summary>
    public long Count(long most = long.MaxValue) => Number() is var value && value <= (ulong)most ? (long)value : throw Damaged();

    public int Int32() => (int)Count(int.MaxValue);

    public uint UInt32() => (uint)Count(uint.MaxValue);

    /// <summary>How many items follow, each of at least <paramref name="itemBytes"/> bytes: a damaged count never becomes an allocation.</summary>
    public int Items(int itemBytes = 1) => (int)Count(_rest.Length / itemBytes);

    public ulong Fixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public EmailId Email() => EmailId.Read(Take(16));

    public string Text() => Encoding.UTF8.GetString(Take((int)Count(_rest.Length)));

    public static StoreException Damaged() => new(StoreFailure.Unreadable, "A stored record is damaged.");

    /// <summary>Checks the format byte in front of a record.</summary>
    public void Format(byte known)
    {
        var format = Byte();
        if (format != known)
        {
            throw new StoreException(StoreFailure.Unreadable, $"A stored record has format {format}; this release reads {known}.");
        }
    }

    /// <summary>Checks the format byte in front of a record of which several are read.</summary>
    public byte Format(byte oldest, byte newest)
    {
        var format = Byte();
        return format >= oldest && format <= newest
            ? format
            : throw new StoreException(StoreFailure.Unreadable, $"A stored record has format {format}; this release reads {oldest} to {newest}.");
    }

    private ReadOnlySpan<byte> Take(int bytes)
    {
        if (_rest.Length < bytes)
        {
            throw Damaged();
        }

        var taken = _rest[..bytes];
        _rest = _rest[bytes..];
        return taken;
    }
}
