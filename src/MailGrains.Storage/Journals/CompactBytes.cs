using System.Buffers;
using System.Buffers.Binary;

namespace MailGrains.Storage.Journals;

/// <summary>
/// Reads what <see cref="CompactWriter"/> wrote: 7 bits of a number in each byte, lowest first. Bytes that end too early or say
/// more than a number holds are damage: <see cref="StoreFailure.Unreadable"/>.
/// </summary>
internal ref struct CompactReader(ReadOnlySpan<byte> input)
{
    private ReadOnlySpan<byte> _rest = input;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte Byte()
    {
        var value = Take(1)[0];
        return value;
    }

    public ulong Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Byte();
            value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw Damaged();
    }

    public long Long() => Number() is var value && value <= long.MaxValue ? (long)value : throw Damaged();

    /// <summary>A count of things that take at least <paramref name="leastBytes"/> each, so that damage can't ask for memory.</summary>
    public int Count(int leastBytes) =>
        Number() is var value && value <= (ulong)(_rest.Length / leastBytes) ? (int)value : throw Damaged();

    public int Int() => Number() is var value && value <= int.MaxValue ? (int)value : throw Damaged();

    public ulong Fixed64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public ReadOnlySpan<byte> Take(int bytes)
    {
        if (bytes > _rest.Length)
        {
            throw Damaged();
        }

        var taken = _rest[..bytes];
        _rest = _rest[bytes..];
        return taken;
    }

    private static StoreException Damaged() => new(StoreFailure.Unreadable, "A stored record ends too early or holds an impossible number.");
}

/// <summary>Writes numbers in as few bytes as they need.</summary>
internal readonly struct CompactWriter(IBufferWriter<byte> output)
{
    public void Byte(byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    public void Number(ulong value)
    {
        var span = output.GetSpan(10);
        var length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[length++] = (byte)value;
        output.Advance(length);
    }

    public void Long(long value) => Number(checked((ulong)value));

    public void Fixed64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    public void Bytes(ReadOnlySpan<byte> value) => output.Write(value);
}
