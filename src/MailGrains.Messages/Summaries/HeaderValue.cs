using System.Text;
using System.Text.Unicode;
using MimeKit.Utils;

namespace MailGrains.Messages.Summaries;

/// <summary>The value of a header field as text: unfolded, and decoded where a person reads it.</summary>
public static class HeaderValue
{
    /// <summary>Decodes encoded words (RFC 2047); text without any is answered as it is. Never throws for content.</summary>
    public static string Decode(string value) => value.Contains("=?", StringComparison.Ordinal)
        ? WithoutControls(Rfc2047.DecodeText(Encoding.UTF8.GetBytes(value)))
        : value;

    /// <summary>The ids of Message-ID, In-Reply-To or References, without brackets; words where the text has no brackets.</summary>
    public static IEnumerable<string> MessageIds(string? text)
    {
        for (var at = 0; NextMessageId(text, ref at) is { } id;)
        {
            yield return id;
        }
    }

    internal static string? FirstMessageId(string? text)
    {
        var at = 0;
        return NextMessageId(text, ref at);
    }

    /// <summary>
    /// A raw value as text without line breaks and control characters: UTF-8 (RFC 6532), or Latin-1 when it is none. What exceeds
    /// <paramref name="maxBytes"/> is cut off.
    /// </summary>
    internal static string Unfold(ReadOnlySpan<byte> raw, int maxBytes)
    {
        raw = raw.Trim(" \t\r\n"u8);
        if (raw.Length > maxBytes)
        {
            var end = maxBytes;
            while (end > maxBytes - 4 && end > 0 && (raw[end] & 0xC0) == 0x80)
            {
                end--;
            }

            raw = raw[..end];
        }

        return WithoutControls((Utf8.IsValid(raw) ? Encoding.UTF8 : Encoding.Latin1).GetString(raw));
    }

    /// <summary>Unfolds (RFC 5322 §2.2.3: the line break goes, the white space after it stays) and blanks other control characters.</summary>
    private static string WithoutControls(string text)
    {
        // Octets of Windows-1252 that are taken as Latin-1 come as controls, those of U+0080 to U+009F.
        if (!text.AsSpan().ContainsAnyInRange('\0', '\x1f') && !text.AsSpan().ContainsAnyInRange('\x7f', '\x9f'))
        {
            return text;
        }

        return string.Create(text.Length - text.AsSpan().Count('\r') - text.AsSpan().Count('\n'), text, static (target, source) =>
        {
            var at = 0;
            foreach (var c in source)
            {
                if (c is not '\r' and not '\n')
                {
                    target[at++] = char.IsControl(c) ? ' ' : c;
                }
            }
        });
    }

    private static string? NextMessageId(string? text, ref int at)
    {
        if (text is null)
        {
            return null;
        }

        // RFC 5322 §3.6.4; what stands outside brackets is an obsolete phrase, unless there are no brackets at all.
        var hasBrackets = text.Contains('<', StringComparison.Ordinal);
        while (at < text.Length)
        {
            var rest = text.AsSpan(at);
            var start = hasBrackets ? rest.IndexOf('<') + 1 : rest.Length - rest.TrimStart().Length;
            if ((hasBrackets && start == 0) || start == rest.Length)
            {
                break;
            }

            rest = rest[start..];
            var length = hasBrackets ? rest.IndexOf('>') : rest.IndexOfAny(' ', '\t');
            length = length < 0 ? rest.Length : length;
            at += start + length + 1;
            var id = rest[..length].Trim();
            if (!id.IsEmpty)
            {
                return id.ToString();
            }
        }

        at = text.Length;
        return null;
    }
}
