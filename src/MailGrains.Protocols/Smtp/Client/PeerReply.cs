using System.Buffers;
using System.Globalization;
using System.Text;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>
/// What a server answered. Its text is fit for a log line, a header field or a report: one line of printable characters, in which everything else has
/// become a question mark, at most <see cref="MaxTextChars"/> of them.
/// </summary>
public sealed record PeerReply
{
    public const int MaxTextChars = 500;

    /// <param name="enhanced">None where the server gave none, or one of another class than its code.</param>
    /// <param name="text">Is cleaned and cut.</param>
    public PeerReply(int code, EnhancedCode enhanced, string text)
    {
        var cleaned = new StringBuilder(Math.Min(text.Length, MaxTextChars));
        AppendCleaned(cleaned, Encoding.UTF8.GetBytes(text));
        (Code, EnhancedCode, Text) = (code, enhanced, cleaned.ToString());
    }

    internal PeerReply(int code, EnhancedCode enhanced, StringBuilder cleaned) => (Code, EnhancedCode, Text) = (code, enhanced, cleaned.ToString());

    /// <summary>200 to 599.</summary>
    public int Code { get; }

    /// <summary>Its class is the code's first digit (RFC 3463 §2).</summary>
    public EnhancedCode EnhancedCode { get; }

    /// <summary>Of all lines, without codes.</summary>
    public string Text { get; }

    public bool IsPositive => Code < 300;

    /// <summary>3yz: the server waits for more.</summary>
    public bool IsIntermediate => Code is >= 300 and < 400;

    /// <summary>421 ends the connection (RFC 5321 §3.8).</summary>
    public bool ClosesConnection => Code == 421;

    /// <summary>Such as <c>5.1.1</c>, as reports have it (RFC 3464 §2.3.4); made of the code's class alone where the server gave none.</summary>
    public string DsnStatus => EnhancedCode.IsNone
        ? string.Create(CultureInfo.InvariantCulture, $"{Code / 100}.0.0")
        : string.Create(CultureInfo.InvariantCulture, $"{Code / 100}.{EnhancedCode.Subject}.{EnhancedCode.Detail}");

    /// <summary>Such as <c>550 5.1.1 No such user</c>.</summary>
    public override string ToString() => EnhancedCode.IsNone
        ? string.Create(CultureInfo.InvariantCulture, $"{Code} {Text}")
        : string.Create(CultureInfo.InvariantCulture, $"{Code} {DsnStatus} {Text}");

    internal static string Clean(ReadOnlySpan<byte> octets)
    {
        var cleaned = new StringBuilder();
        AppendCleaned(cleaned, octets);
        return cleaned.ToString();
    }

    /// <summary>Up to <see cref="MaxTextChars"/> in all.</summary>
    internal static void AppendCleaned(StringBuilder text, ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty && text.Length < MaxTextChars)
        {
            var status = Rune.DecodeFromUtf8(octets, out var rune, out var length);
            octets = octets[length..];
            if (status != OperationStatus.Done || !IsPrintable(rune))
            {
                text.Append('?');
            }
            else if (text.Length + rune.Utf16SequenceLength <= MaxTextChars)
            {
                text.Append(rune.ToString());
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>Beyond controls, what turns the reading direction or can't be seen could make a line say something else than it does.</summary>
    private static bool IsPrintable(Rune rune) => rune.IsAscii
        ? rune.Value is >= ' ' and <= '~'
        : Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
}
