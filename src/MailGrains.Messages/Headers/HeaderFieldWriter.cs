using System.Buffers;
using System.Text;

namespace MailGrains.Messages.Headers;

/// <summary>
/// Writes header fields that are well-formed whatever the data: no CR, LF or NUL of a value reaches the output, so no value can end its field,
/// begin another or end the header. Lines are folded before they exceed 78 octets where there is a place to fold, and never exceed 998
/// (RFC 5322 §2.1.1). Text beyond ASCII is written as UTF-8 (RFC 6532). The buffer is rented: call <see cref="Finish"/> once.
/// </summary>
public ref struct HeaderFieldWriter
{
    public const int FoldAt = 78;
    public const int MaxLine = 998;

    // A word that no line can hold is cut after this many characters, of three octets at most; whole ones leave room for marks.
    private const int MaxWordChars = 300;
    private const int MaxWordBytes = 900;

    private byte[] _bytes;
    private int _length;
    private int _lineStart;
    private bool _breaksNext;

    public HeaderFieldWriter(int expectedBytes) => _bytes = ArrayPool<byte>.Shared.Rent(Math.Max(256, expectedBytes));

    /// <exception cref="ArgumentException">The name is no field name (RFC 5322 §3.6.8): names are ours, never data.</exception>
    public void Begin(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > FoldAt || name.ContainsAnyExceptInRange((byte)'!', (byte)'~') || name.Contains((byte)':'))
        {
            throw new ArgumentException($"'{Encoding.UTF8.GetString(name)}' is no field name.", nameof(name));
        }

        _lineStart = _length;
        _breaksNext = false;
        Write(name);
        Write(":"u8);
    }

    /// <summary>The next word begins a new line of the field.</summary>
    public void Break() => _breaksNext = true;

    /// <summary>Words, folded where a space stands between them.</summary>
    public void Text(HeaderText text)
    {
        var rest = text.Value.AsSpan();
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf(' ');
            Word([], end < 0 ? rest : rest[..end], []);
            rest = end < 0 ? [] : rest[(end + 1)..];
        }
    }

    /// <summary>A word made of data, with marks of ours around it. A space in it is no place to fold; a control character becomes a question mark.</summary>
    public void Word(scoped ReadOnlySpan<byte> before, scoped ReadOnlySpan<char> word, scoped ReadOnlySpan<byte> after)
    {
        while (word.Length > MaxWordBytes || (word.Length > MaxWordChars && Encoding.UTF8.GetByteCount(word) > MaxWordBytes))
        {
            var cut = char.IsHighSurrogate(word[MaxWordChars - 1]) ? MaxWordChars - 1 : MaxWordChars;
            WholeWord(before, word[..cut], []);
            before = [];
            word = word[cut..];
        }

        WholeWord(before, word, after);
    }

    /// <summary>A word of ours.</summary>
    public void Word(scoped ReadOnlySpan<byte> word) => Word(word, [], []);

    /// <summary>Ends the field.</summary>
    public void End() => Write("\r\n"u8);

    /// <summary>Whole lines from elsewhere, as they are.</summary>
    public void Lines(scoped ReadOnlySpan<byte> lines) => Write(lines);

    public byte[] Finish()
    {
        var bytes = _bytes.AsSpan(0, _length).ToArray();
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        return bytes;
    }

    private void WholeWord(scoped ReadOnlySpan<byte> before, scoped ReadOnlySpan<char> word, scoped ReadOnlySpan<byte> after)
    {
        var size = before.Length + Encoding.UTF8.GetByteCount(word) + after.Length;
        if (size == 0)
        {
            return;
        }

        if (_breaksNext || _length + 1 + size - _lineStart > FoldAt)
        {
            Write("\r\n\t"u8);
            _lineStart = _length - 1;
            _breaksNext = false;
        }
        else
        {
            Write(" "u8);
        }

        Write(before);
        Reserve(size);
        var value = _bytes.AsSpan(_length, Encoding.UTF8.GetBytes(word, _bytes.AsSpan(_length)));
        for (var at = value.IndexOfAnyInRange((byte)0, (byte)0x1F); at >= 0; at = value.IndexOfAnyInRange((byte)0, (byte)0x1F))
        {
            value[at] = (byte)'?';
        }

        _length += value.Length;
        Write(after);
    }

    private void Write(scoped ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + count));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
    }
}
