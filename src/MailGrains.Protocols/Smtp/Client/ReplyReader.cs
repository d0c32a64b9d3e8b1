using System.Buffers;
using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>What a reply answers, and so how much of it is kept.</summary>
internal enum ReplyForm
{
    /// <summary>The text, cut.</summary>
    Plain = 0,

    /// <summary>To EHLO: a line for each extension.</summary>
    Extensions = 1,

    /// <summary>To AUTH: one line may hold a challenge (RFC 4954 §4).</summary>
    Challenge = 2,
}

internal enum ReplyStatus
{
    Incomplete = 0,
    Whole = 1,

    /// <summary>No reply, or one beyond the bounds: what follows means nothing any more.</summary>
    Broken = 2,
}

/// <summary>
/// Reads replies (RFC 5321 §4.2) out of what has arrived. A line is kept up to a bound and passed over up to <see cref="MaxLineBytes"/>; a reply has a
/// bound in lines. Line ends may be bare LF: nothing depends on them here.
/// </summary>
internal sealed class ReplyReader
{
    public const int MaxLineBytes = 64 << 10;
    public const int MaxLines = 100;
    public const int MaxExtensions = 200;

    private const int KeptBytes = 2 << 10;

    /// <summary>A challenge of 12,288 octets in base64 (RFC 4954 §4), its code and a CR.</summary>
    private const int KeptChallengeBytes = (12 << 10) + 5;

    private readonly StringBuilder _text = new();
    private readonly List<string> _extensions = [];
    private ReplyForm _form;
    private int _lines;
    private int _code;
    private EnhancedCode _enhanced;
    private byte[]? _kept;
    private int _passedBytes;

    public PeerReply? Reply { get; private set; }

    /// <summary>With <see cref="ReplyStatus.Broken"/>.</summary>
    public string Defect { get; private set; } = "";

    /// <summary>With <see cref="ReplyForm.Extensions"/>: the lines after the first, cleaned.</summary>
    public IReadOnlyList<string> Extensions => _extensions;

    /// <summary>With <see cref="ReplyForm.Challenge"/>: the last line's text.</summary>
    public byte[] Challenge { get; private set; } = [];

    public void Begin(ReplyForm form)
    {
        _form = form;
        _lines = 0;
        _enhanced = EnhancedCode.None;
        _text.Clear();
        _extensions.Clear();
        Reply = null;
        Challenge = [];
    }

    public ReplyStatus Take(LineBuffer input)
    {
        while (true)
        {
            switch (TryTakeLine(input, out var line))
            {
                case LineStatus.Incomplete:
                    return ReplyStatus.Incomplete;
                case LineStatus.Endless:
                    return Break("a line of a reply is too long");
                default:
                    if (TakeLine(line) is var status && status != ReplyStatus.Incomplete)
                    {
                        return status;
                    }

                    break;
            }
        }
    }

    /// <summary>Incomplete where another line must follow.</summary>
    private ReplyStatus TakeLine(ReadOnlySpan<byte> line)
    {
        // RFC 5321 §4.2: Reply-code, and "-" where more lines come; a code alone is a reply too.
        if (line.Length < 3 || line[0] is < (byte)'2' or > (byte)'5' || !char.IsAsciiDigit((char)line[1]) || !char.IsAsciiDigit((char)line[2])
            || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-')))
        {
            return Break($"no reply: {PeerReply.Clean(line[..Math.Min(line.Length, 100)])}");
        }

        var code = ((line[0] - '0') * 100) + ((line[1] - '0') * 10) + (line[2] - '0');
        if (_lines > 0 && code != _code)
        {
            return Break($"a reply with two codes: {_code}, {code}");
        }

        _code = code;
        TakeText(line.Length > 4 ? line[4..] : default);
        if (++_lines > (_form == ReplyForm.Extensions ? MaxExtensions : MaxLines))
        {
            return Break("a reply has no end");
        }

        if (line.Length > 3 && line[3] == '-')
        {
            return ReplyStatus.Incomplete;
        }

        Reply = new PeerReply(_code, _enhanced, _text);
        return ReplyStatus.Whole;
    }

    private void TakeText(ReadOnlySpan<byte> text)
    {
        if (_form == ReplyForm.Challenge)
        {
            Challenge = text.ToArray();
        }
        else if (_form == ReplyForm.Extensions && _lines > 0)
        {
            _extensions.Add(PeerReply.Clean(text));
        }

        // The enhanced code stands on every line (RFC 2034); one of another class is text.
        if (TryReadEnhancedCode(text, out var enhanced, out var length) && (_enhanced.IsNone || _enhanced == enhanced))
        {
            _enhanced = enhanced;
            text = text[length..];
        }

        if (_text.Length > 0 && !text.IsEmpty)
        {
            PeerReply.AppendCleaned(_text, " "u8);
        }

        PeerReply.AppendCleaned(_text, text);
    }

    /// <summary>RFC 3463 §2: class, subject and detail; with the space behind it.</summary>
    private bool TryReadEnhancedCode(ReadOnlySpan<byte> text, out EnhancedCode enhanced, out int length)
    {
        var decoder = new TextDecoder(text);
        var kind = decoder.ExpectNumber();
        decoder.ExpectByte((byte)'.');
        var subject = decoder.ExpectNumber();
        decoder.ExpectByte((byte)'.');
        var detail = decoder.ExpectNumber();
        if (!decoder.IsAtEnd)
        {
            decoder.ExpectByte((byte)' ');
        }

        length = decoder.Position;
        enhanced = decoder.Failed || kind != _code / 100 || subject > 999 || detail > 999 ? EnhancedCode.None : new((int)subject, (int)detail);
        return !enhanced.IsNone;
    }

    /// <param name="line">Without its end, and cut; valid until the next wait for input.</param>
    private LineStatus TryTakeLine(LineBuffer input, out ReadOnlySpan<byte> line)
    {
        line = default;
        var unread = input.Unread;
        var most = _form == ReplyForm.Challenge ? KeptChallengeBytes : KeptBytes;
        if (unread.PositionOf((byte)'\n') is not { } end)
        {
            if (unread.Length > most || (_kept is not null && !unread.IsEmpty))
            {
                Pass(input, unread, most);
            }

            return _passedBytes > MaxLineBytes ? LineStatus.Endless : LineStatus.Incomplete;
        }

        // A challenge that is cut would be another one.
        var length = _passedBytes + unread.Slice(0, end).Length;
        if (length > (_form == ReplyForm.Challenge ? KeptChallengeBytes : MaxLineBytes))
        {
            return LineStatus.Endless;
        }

        var kept = unread.Slice(0, Math.Min(length - _passedBytes, most));
        line = _kept ?? (kept.IsSingleSegment ? kept.FirstSpan : kept.ToArray());
        line = line.TrimEnd((byte)'\r');
        input.Consume(length - _passedBytes + 1);
        (_kept, _passedBytes) = (null, 0);
        return LineStatus.Line;
    }

    private void Pass(LineBuffer input, ReadOnlySequence<byte> unread, int most)
    {
        _kept ??= unread.Slice(0, most).ToArray();
        _passedBytes = (int)Math.Min(_passedBytes + unread.Length, int.MaxValue);
        input.Consume(unread.Length);
    }

    private ReplyStatus Break(string defect)
    {
        Defect = defect;
        return ReplyStatus.Broken;
    }
}
