using MimeKit;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// Keeps the beginning of the parts that a preview can be made of, as encoded: the first text/plain, and the first text/html when that came
/// before; not more than a preview may need.
/// </summary>
internal sealed class PreviewSource
{
    // 256 characters of base64 or quoted-printable, with quoted lines before them, fit; HTML has its style sheets in front.
    private const int PlainBytes = 4 * 1024;
    private const int HtmlBytes = 16 * 1024;

    private readonly Piece _plain = new(PlainBytes);
    private readonly Piece _html = new(HtmlBytes);
    private Piece? _current;

    public void Reset()
    {
        _plain.Clear();
        _html.Clear();
        _current = null;
    }

    /// <summary>Whether the part that begins is one to <see cref="Append"/>.</summary>
    public bool Begin(ContentType type, PartHeaders headers)
    {
        _current = headers.Disposition?.IsAttachment == true || _plain.HasText ? null
            : type.IsMimeType("text", "plain") ? _plain
            : type.IsMimeType("text", "html") && !_html.HasText ? _html
            : null;
        _current?.Begin(headers.Encoding, type.Charset);
        return _current is not null;
    }

    public void Append(ReadOnlySpan<byte> encoded) => _current?.Append(encoded);

    /// <summary>The preview; empty when there is no text.</summary>
    public string Text()
    {
        var text = _plain.Length > 0 ? PreviewText.OfPlain(_plain.Bytes, _plain.Encoding, _plain.Charset) : "";
        return text.Length > 0 || _html.Length == 0 ? text : PreviewText.OfHtml(_html.Bytes, _html.Encoding, _html.Charset);
    }

    private sealed class Piece(int capacity)
    {
        private byte[]? _bytes;

        public int Length { get; private set; }

        public string Encoding { get; private set; } = "";

        public string? Charset { get; private set; }

        public bool HasText => !Bytes.Trim(" \t\r\n"u8).IsEmpty;

        public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

        public void Clear() => Length = 0;

        public void Begin(string encoding, string? charset)
        {
            Length = 0;
            Encoding = encoding;
            Charset = charset;
        }

        public void Append(ReadOnlySpan<byte> bytes)
        {
            _bytes ??= new byte[capacity];
            var count = Math.Min(bytes.Length, capacity - Length);
            bytes[..count].CopyTo(_bytes.AsSpan(Length));
            Length += count;
        }
    }
}
