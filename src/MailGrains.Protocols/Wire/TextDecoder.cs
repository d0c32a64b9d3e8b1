using System.Buffers;
using System.Text;

namespace MailGrains.Protocols.Wire;

/// <summary>
/// Reads one line by its grammar. <c>Try…</c> asks "is it this?" and leaves the position alone when not; <c>Expect…</c> says "it must be" and makes
/// the decoder fail when not. Failure is sticky: whatever follows is a no-op, so a parser reads to its end and asks
/// <see cref="Failed"/> once. Nothing throws and nothing is copied.
/// </summary>
internal ref struct TextDecoder(ReadOnlySpan<byte> text)
{
    private readonly ReadOnlySpan<byte> _text = text;

    public int Position { get; private set; }

    public bool Failed { get; private set; }

    public readonly bool IsAtEnd => Position >= _text.Length;

    /// <summary>The next octet, or 0 where there is none.</summary>
    public readonly byte Peek => Failed || IsAtEnd ? (byte)0 : _text[Position];

    public readonly ReadOnlySpan<byte> From(int start) => _text[start..Position];

    public void Fail() => Failed = true;

    public bool TryByte(byte wanted)
    {
        if (Failed || IsAtEnd || _text[Position] != wanted)
        {
            return false;
        }

        Position++;
        return true;
    }

    public void ExpectByte(byte wanted) => Failed |= !TryByte(wanted);

    /// <summary>US-ASCII letters match in either case.</summary>
    public bool TryText(ReadOnlySpan<byte> wanted)
    {
        if (Failed || !StartsWith(_text[Position..], wanted))
        {
            return false;
        }

        Position += wanted.Length;
        return true;
    }

    public void ExpectText(ReadOnlySpan<byte> wanted) => Failed |= !TryText(wanted);

    /// <summary>Takes the longest run of <paramref name="set"/>, which may be empty.</summary>
    public ReadOnlySpan<byte> TakeWhile(SearchValues<byte> set)
    {
        if (Failed)
        {
            return default;
        }

        var rest = _text[Position..];
        var length = rest.IndexOfAnyExcept(set);
        var run = length < 0 ? rest : rest[..length];
        Position += run.Length;
        return run;
    }

    public ReadOnlySpan<byte> ExpectRun(SearchValues<byte> set)
    {
        var run = TakeWhile(set);
        Failed |= run.IsEmpty;
        return run;
    }

    public bool TrySpaces()
    {
        var start = Position;
        while (TryByte((byte)' ') || TryByte((byte)'\t'))
        {
        }

        return Position > start;
    }

    public void ExpectSpaces() => Failed |= !TrySpaces();

    /// <summary>One octet of any kind.</summary>
    public byte ExpectAny()
    {
        if (Failed || IsAtEnd)
        {
            Failed = true;
            return 0;
        }

        return _text[Position++];
    }

    /// <summary>At least one digit; a number beyond <see cref="long.MaxValue"/> becomes that.</summary>
    public long ExpectNumber()
    {
        long number = 0;
        var start = Position;
        while (Peek is >= (byte)'0' and <= (byte)'9' and var digit)
        {
            Position++;
            number = number > (long.MaxValue - 9) / 10 ? long.MaxValue : (number * 10) + (digit - '0');
        }

        Failed |= Position == start;
        return number;
    }

    public void ExpectEnd() => Failed |= !IsAtEnd;

    private static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> wanted) =>
        text.Length >= wanted.Length && Ascii.EqualsIgnoreCase(text[..wanted.Length], wanted);
}
