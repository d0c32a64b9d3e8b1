using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Records;

/// <summary>Writes the compact form of events, heads and segments: numbers as LEB128, signed ones zigzag, text as UTF-8 behind its length.</summary>
internal sealed class RecordWriter(int capacity = 256) : IBufferWriter<byte>
{
    private byte[] _buffer = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    public void Byte(byte value)
    {
        Room(1)[0] = value;
        Length++;
    }

    public void Number(ulong value)
    {
        var room = Room(10);
        var length = 0;
        while (value >= 0x80)
        {
            room[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        room[length++] = (byte)value;
        Length += length;
    }

    /// <summary>A count, size or time that is never negative.</summary>
    public void Number(long value) => Number(checked((ulong)value));

    public void Signed(long value) => Number((ulong)((value << 1) ^ (value >> 63)));

    public void Fixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Room(8), value);
        Length += 8;
    }

    public void Email(EmailId value)
    {
        value.Write(Room(16));
        Length += 16;
    }

    public void Text(string value)
    {
        var bytes = Encoding.UTF8.GetByteCount(value);
        Number(bytes);
        Length += Encoding.UTF8.GetBytes(value, Room(bytes));
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Room(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private Span<byte> Room(int bytes)
    {
        if (_buffer.Length - Length < bytes)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + bytes));
        }

        return _buffer.AsSpan(Length);
    }
}
