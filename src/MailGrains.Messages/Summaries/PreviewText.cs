using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// The preview of RFC 8970 §3: the text's beginning, decoded, white space collapsed, at most <see cref="MaxChars"/> characters; of plain text
/// without the lines that it quotes, where it has others; of HTML without tags, style sheets and scripts.
/// </summary>
internal ref struct PreviewText
{
    public const int MaxChars = 256;

    private const int MaxEntityChars = 32;

    private static readonly string[] BreakingTags = ["br", "p", "div", "td", "th", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "h4", "hr"];

    private readonly Span<char> _text;
    private int _length;
    private bool _spaced;

    private PreviewText(Span<char> text) => _text = text;

    private readonly bool IsFull => _length == _text.Length;

    public static string OfPlain(ReadOnlySpan<byte> encoded, string transferEncoding, string? charset)
    {
        var rented = ArrayPool<char>.Shared.Rent(encoded.Length + 16);
        var chars = TextDecoding.Decode(encoded, transferEncoding, charset, rented);
        var preview = new PreviewText(stackalloc char[MaxChars]);
        preview.AppendPlain(chars, withQuotes: false);
        if (preview._length == 0)
        {
            preview.AppendPlain(chars, withQuotes: true);
        }

        ArrayPool<char>.Shared.Return(rented);
        return preview.ToString();
    }

    public static string OfHtml(ReadOnlySpan<byte> encoded, string transferEncoding, string? charset)
    {
        var rented = ArrayPool<char>.Shared.Rent(encoded.Length + 16);
        var chars = TextDecoding.Decode(encoded, transferEncoding, charset, rented);
        var preview = new PreviewText(stackalloc char[MaxChars]);
        preview.AppendHtml(chars);
        ArrayPool<char>.Shared.Return(rented);
        return preview.ToString();
    }

    public override readonly string ToString()
    {
        var text = _text[.._length];
        // The cut never splits a character.
        return (text.Length > 0 && char.IsHighSurrogate(text[^1]) ? text[..^1] : text).TrimEnd().ToString();
    }

    private void AppendPlain(ReadOnlySpan<char> text, bool withQuotes)
    {
        while (!text.IsEmpty && !IsFull)
        {
            var end = text.IndexOf('\n');
            var line = end < 0 ? text : text[..end];
            text = end < 0 ? [] : text[(end + 1)..];
            if (withQuotes || !line.StartsWith(">"))
            {
                Append(line);
                Append(' ');
            }
        }
    }

    private void AppendHtml(ReadOnlySpan<char> html)
    {
        while (!html.IsEmpty && !IsFull)
        {
            var markup = html.IndexOfAny('<', '&');
            Append(markup < 0 ? html : html[..markup]);
            html = markup < 0 ? [] : html[markup..];
            html = html.IsEmpty ? html : html[0] == '<' ? AppendTag(html) : AppendEntity(html);
        }
    }

    /// <summary>Skips a tag, a comment or an element that has no text for readers; answers what is left.</summary>
    private ReadOnlySpan<char> AppendTag(ReadOnlySpan<char> html)
    {
        if (html.StartsWith("<!--"))
        {
            return After(html[4..], "-->");
        }

        var name = html[1..];
        name = name.StartsWith("/") ? name[1..] : name;
        var length = 0;
        while (length < name.Length && char.IsAsciiLetterOrDigit(name[length]))
        {
            length++;
        }

        name = name[..length];
        if (length == 0 && !html[1..].StartsWith("!") && !html[1..].StartsWith("?"))
        {
            Append('<'); // no tag
            return html[1..];
        }

        foreach (var tag in BreakingTags)
        {
            if (name.Equals(tag, StringComparison.OrdinalIgnoreCase))
            {
                Append(' ');
            }
        }

        var rest = After(html, ">");
        return html[1] == '/' ? rest
            : name.Equals("style", StringComparison.OrdinalIgnoreCase) ? After(rest, "</style>")
            : name.Equals("script", StringComparison.OrdinalIgnoreCase) ? After(rest, "</script>")
            : name.Equals("title", StringComparison.OrdinalIgnoreCase) ? After(rest, "</title>")
            : rest;
    }

    private ReadOnlySpan<char> AppendEntity(ReadOnlySpan<char> html)
    {
        var end = html[..Math.Min(html.Length, MaxEntityChars)].IndexOf(';');
        if (end < 0)
        {
            Append('&');
            return html[1..];
        }

        Append(WebUtility.HtmlDecode(html[..(end + 1)].ToString()));
        return html[(end + 1)..];
    }

    private void Append(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (IsFull)
            {
                return;
            }

            Append(c);
        }
    }

    private void Append(char c)
    {
        if (char.IsWhiteSpace(c))
        {
            _spaced = _length > 0;
        }
        else if (c >= ' ' && !IsInvisible(c) && !IsFull)
        {
            if (_spaced)
            {
                _text[_length++] = ' ';
                _spaced = false;
            }

            if (!IsFull)
            {
                _text[_length++] = c;
            }
        }
    }

    /// <summary>What mass mail pads its previews with (soft hyphens, joiners, zero-width spaces, byte order marks), and controls.</summary>
    private static bool IsInvisible(char c) =>
        c is '\u00AD' or '\u034F' or '\u061C' or '\uFEFF' or (>= '\u200B' and <= '\u200F') or (>= '\u2028' and <= '\u202E') or (>= '\u2060' and <= '\u2064') ||
        (c is >= '\u007F' and <= '\u009F') || (c > '\u00FF' && CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.OtherNotAssigned);

    private static ReadOnlySpan<char> After(ReadOnlySpan<char> text, string mark)
    {
        var at = text.IndexOf(mark, StringComparison.OrdinalIgnoreCase);
        return at < 0 ? [] : text[(at + mark.Length)..];
    }
}
