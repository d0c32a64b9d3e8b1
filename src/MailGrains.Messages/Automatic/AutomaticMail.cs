using System.Buffers;
using System.Text;

namespace MailGrains.Messages.Automatic;

/// <summary>What shows that a message was not written by a person to this recipient, so that no program is to answer it (RFC 3834 §2).</summary>
[Flags]
public enum AutomaticSigns
{
    None = 0,

    /// <summary>A report, or another answer of a program: nothing is ever sent back.</summary>
    NullReversePath = 1,

    /// <summary>Auto-Submitted (RFC 3834 §5) other than <c>no</c>.</summary>
    AutoSubmitted = 2,

    /// <summary>Precedence: bulk, list or junk.</summary>
    Bulk = 4,

    /// <summary>List-Id (RFC 2919) or a field of RFC 2369.</summary>
    List = 8,

    /// <summary>X-Auto-Response-Suppress, as Exchange has it, other than <c>None</c>.</summary>
    Suppressed = 16,

    /// <summary>The reverse-path is that of a mail system or of a list's owner (RFC 3834 §2).</summary>
    SystemSender = 32,
}

/// <summary>Finds the signs of automatic mail. Facts only: what follows from them is the asker's to decide.</summary>
public static class AutomaticMail
{
    private static readonly string[] SystemNames = ["mailer-daemon", "postmaster", "listserv", "majordomo", "no-reply", "noreply", "donotreply"];

    private static readonly SearchValues<byte> WordEnds = SearchValues.Create(";( \t\r\n"u8);

    /// <param name="reversePath">Without angle brackets; empty for the null reverse-path.</param>
    /// <param name="header">The header section; what comes after its empty line is not looked at.</param>
    public static AutomaticSigns SignsOf(string reversePath, ReadOnlySpan<byte> header)
    {
        var signs = reversePath.Length == 0 ? AutomaticSigns.NullReversePath : IsSystem(reversePath) ? AutomaticSigns.SystemSender : AutomaticSigns.None;
        while (!header.IsEmpty && header[0] is not ((byte)'\r' or (byte)'\n'))
        {
            var field = header[..FieldLength(header)];
            header = header[field.Length..];
            if (field.IndexOf((byte)':') is > 0 and var colon)
            {
                signs |= SignOf(field[..colon].Trim((byte)' '), field[(colon + 1)..].Trim(" \t\r\n"u8));
            }
        }

        return signs;
    }

    /// <summary>With its folded lines (RFC 5322 §2.2.3).</summary>
    private static int FieldLength(ReadOnlySpan<byte> header)
    {
        var length = 0;
        do
        {
            length = header[length..].IndexOf((byte)'\n') is >= 0 and var end ? length + end + 1 : header.Length;
        }
        while (length < header.Length && header[length] is (byte)' ' or (byte)'\t');

        return length;
    }

    private static AutomaticSigns SignOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        Is(name, "Auto-Submitted"u8) ? (Is(FirstWord(value), "no"u8) ? AutomaticSigns.None : AutomaticSigns.AutoSubmitted)
        : Is(name, "Precedence"u8) ? (IsBulk(FirstWord(value)) ? AutomaticSigns.Bulk : AutomaticSigns.None)
        : Is(name, "X-Auto-Response-Suppress"u8) ? (Is(value, "None"u8) ? AutomaticSigns.None : AutomaticSigns.Suppressed)
        : Is(name, "List-Id"u8) || Is(name, "List-Post"u8) || Is(name, "List-Unsubscribe"u8) || Is(name, "List-Help"u8) ? AutomaticSigns.List
        : AutomaticSigns.None;

    private static bool IsBulk(ReadOnlySpan<byte> word) => Is(word, "bulk"u8) || Is(word, "list"u8) || Is(word, "junk"u8);

    /// <summary>Up to a parameter or a comment.</summary>
    private static ReadOnlySpan<byte> FirstWord(ReadOnlySpan<byte> value) =>
        value.IndexOfAny(WordEnds) is > 0 and var end ? value[..end] : value;

    private static bool IsSystem(string reversePath)
    {
        var localpart = reversePath.AsSpan(0, reversePath.LastIndexOf('@') is > 0 and var at ? at : reversePath.Length).Trim('"');
        foreach (var name in SystemNames)
        {
            if (localpart.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        // RFC 3834 §2
        return localpart.StartsWith("owner-", StringComparison.OrdinalIgnoreCase) || localpart.EndsWith("-owner", StringComparison.OrdinalIgnoreCase)
            || localpart.EndsWith("-request", StringComparison.OrdinalIgnoreCase) || localpart.EndsWith("-bounces", StringComparison.OrdinalIgnoreCase);
    }

    private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> known) => Ascii.EqualsIgnoreCase(text, known);
}
