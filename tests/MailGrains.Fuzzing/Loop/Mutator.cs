using System.Buffers.Binary;

namespace MailGrains.Fuzzing.Loop;

/// <summary>Makes inputs of inputs. The same seed makes the same ones.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<byte[]> words, int maxBytes)
{
    private static readonly byte[] Telling = [0, 1, 9, 10, 13, 32, 46, 48, 57, 60, 62, 64, 92, 127, 128, 192, 224, 255];

    private readonly byte[] _octets = new byte[maxBytes];
    private int _length;

    /// <param name="other">What may be spliced in.</param>
    public byte[] Mutate(byte[] input, byte[] other)
    {
        _length = Math.Min(input.Length, maxBytes);
        input.AsSpan(0, _length).CopyTo(_octets);
        for (var steps = 1 << random.Next(4); steps > 0; steps--)
        {
            Step(other);
        }

        return _octets.AsSpan(0, _length).ToArray();
    }

    private void Step(byte[] other)
    {
        var at = random.Next(_length + 1);
        switch (random.Next(12))
        {
            case 0 when at < _length:
                _octets[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < _length:
                _octets[at] = (byte)random.Next(256);
                break;
            case 2 when at < _length:
                _octets[at] = Telling[random.Next(Telling.Length)];
                break;
            case 3 when at < _length:
                _octets[at] += (byte)(random.Next(35) - 17);
                break;
            case 4 when at < _length:
                ChangeNumber(at);
                break;
            case 5:
                Remove(at, 1 + random.Next(16));
                break;
            case 6:
                Remove(at, 1 + random.Next(_length + 1));
                break;
            case 7:
                Insert(at, Part(_octets.AsSpan(0, _length)).ToArray());
                break;
            case 8:
                Insert(at, Part(other));
                break;
            case 9 when other.Length > 0:
                // The start of one, the end of the other.
                _length = at;
                Insert(at, other.AsSpan(random.Next(other.Length)));
                break;
            case 10:
                Insert(at, Repeated());
                break;
            default:
                PutWord(at);
                break;
        }
    }

    private void PutWord(int at)
    {
        if (words.Count == 0)
        {
            Insert(at, [(byte)random.Next(256)]);
            return;
        }

        var word = words[random.Next(words.Count)];
        if (random.Next(4) == 0)
        {
            Remove(at, word.Length);
        }

        Insert(at, word);
    }

    /// <summary>A decimal number, or two octets of a binary one.</summary>
    private void ChangeNumber(int at)
    {
        if (_octets[at] is >= (byte)'0' and <= (byte)'9')
        {
            _octets[at] = (byte)('0' + random.Next(10));
        }
        else if (at + 2 <= _length)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_octets.AsSpan(at), (ushort)(random.Next(3) == 0 ? 0xFFFF : random.Next(512)));
        }
    }

    private byte[] Repeated()
    {
        var run = new byte[1 << random.Next(9)];
        Array.Fill(run, random.Next(2) == 0 ? Telling[random.Next(Telling.Length)] : (byte)random.Next(256));
        return run;
    }

    private ReadOnlySpan<byte> Part(ReadOnlySpan<byte> whole)
    {
        var start = random.Next(whole.Length + 1);
        return whole.Slice(start, random.Next(Math.Min(64, whole.Length - start) + 1));
    }

    private void Remove(int at, int count)
    {
        var removed = Math.Min(count, _length - at);
        _octets.AsSpan(at + removed, _length - at - removed).CopyTo(_octets.AsSpan(at));
        _length -= removed;
    }

    private void Insert(int at, ReadOnlySpan<byte> piece)
    {
        piece = piece[..Math.Min(piece.Length, _octets.Length - _length)];
        _octets.AsSpan(at, _length - at).CopyTo(_octets.AsSpan(at + piece.Length));
        piece.CopyTo(_octets.AsSpan(at));
        _length += piece.Length;
    }
}
