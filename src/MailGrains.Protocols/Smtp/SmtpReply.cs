using System.Globalization;
using System.Text;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// One reply (RFC 5321 §4.2), with the bytes that go over the wire made once. Text can't break out of its line: whatever is not
/// printable US-ASCII becomes '?', and a line is cut at 512 octets (RFC 5321 §4.5.3.1.5).
/// </summary>
public sealed partial class SmtpReply
{
    /// <summary>RFC 5321 §4.5.3.1.5, CRLF included.</summary>
    public const int MaxLineBytes = 512;

    private const int CodeBytes = 4;

    private readonly byte[] _wire;

    /// <param name="code">Three digits, the first of them 2 to 5.</param>
    /// <param name="enhanced">Stands at the start of each line.</param>
    public SmtpReply(int code, EnhancedCode enhanced, string text)
        : this(code, enhanced, [text])
    {
    }

    public SmtpReply(int code, EnhancedCode enhanced, params ReadOnlySpan<string> lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, 200);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, 599);
        Code = code;
        EnhancedCode = enhanced;
        Text = lines.Length == 0 ? "" : lines[0];
        _wire = Format(code, enhanced, lines);
    }

    public int Code { get; }

    public EnhancedCode EnhancedCode { get; }

    /// <summary>Reply code and enhanced code, such as <c>250 2.0.0</c>; for logs.</summary>
    public string Status => EnhancedCode.IsNone
        ? Code.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Code} {Code / 100}.{EnhancedCode.Subject}.{EnhancedCode.Detail}");

    /// <summary>The text of the first line, as given.</summary>
    public string Text { get; }

    /// <summary>2yz or 3yz.</summary>
    public bool IsPositive => Code < 400;

    /// <summary>5yz: the client need not try again.</summary>
    public bool IsPermanentFailure => Code >= 500;

    /// <summary>421 ends the session (RFC 5321 §3.8).</summary>
    public bool ClosesSession => Code == 421;

    /// <summary>The whole reply, every line with its CRLF.</summary>
    public ReadOnlyMemory<byte> Wire => _wire;

    public override string ToString() => Encoding.ASCII.GetString(_wire).TrimEnd();

    private static byte[] Format(int code, EnhancedCode enhanced, ReadOnlySpan<string> lines)
    {
        var status = enhanced.IsNone ? "" : string.Create(CultureInfo.InvariantCulture, $"{code / 100}.{enhanced.Subject}.{enhanced.Detail} ");
        var fixedBytes = CodeBytes + status.Length + 2;
        var length = 0;
        foreach (var line in lines)
        {
            length += Math.Min(fixedBytes + line.Length, MaxLineBytes);
        }

        var wire = new byte[lines.Length == 0 ? fixedBytes : length];
        var at = 0;
        for (var i = 0; i < Math.Max(1, lines.Length); i++)
        {
            var text = lines.Length == 0 ? "" : lines[i];
            var last = i >= lines.Length - 1;
            var kept = text.AsSpan(0, Math.Min(text.Length, MaxLineBytes - fixedBytes));
            at += FormatLine(wire.AsSpan(at), code, last ? (byte)' ' : (byte)'-', status, kept);
        }

        return wire;
    }

    private static int FormatLine(Span<byte> wire, int code, byte separator, string status, ReadOnlySpan<char> text)
    {
        wire[0] = (byte)('0' + (code / 100));
        wire[1] = (byte)('0' + (code / 10 % 10));
        wire[2] = (byte)('0' + (code % 10));
        wire[3] = separator;
        var at = CodeBytes + Encoding.ASCII.GetBytes(status, wire[CodeBytes..]);
        foreach (var c in text)
        {
            wire[at++] = c is >= ' ' and <= '~' ? (byte)c : (byte)'?';
        }

        wire[at++] = (byte)'\r';
        wire[at++] = (byte)'\n';
        return at;
    }
}
