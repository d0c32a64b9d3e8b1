using System.Diagnostics.CodeAnalysis;
using System.Text;
using MailGrains.Contracts.Text;

namespace MailGrains.Grains.Directory;

/// <summary>
/// SASLprep (RFC 4013): the form of a password that SCRAM hashes (RFC 5802 §2.2), so that one typed on another keyboard still matches. Two
/// parts of stringprep are left out, on the server's side, where they could only lock people out: the check for characters unassigned in
/// Unicode 3.2 (clients pass emoji on) and the one for mixed directions. OpaqueString (RFC 8265) would differ in compatibility characters,
/// which clients of SCRAM fold.
/// </summary>
internal static class SaslPrep
{
    public const int MaxChars = 1_024;

    /// <summary>The prepared form, or false where the password holds what no password may.</summary>
    public static bool TryPrepare(string text, [NotNullWhen(true)] out string? prepared)
    {
        prepared = null;
        if (text.Length > MaxChars)
        {
            return false;
        }

        var mapped = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                return false;
            }

            i += rune.Utf16SequenceLength - 1;
            if (IsNonAsciiSpace(rune.Value))
            {
                mapped.Append(' ');
            }
            else if (!IsMappedToNothing(rune.Value))
            {
                mapped.Append(rune.ToString());
            }
        }

        var normalized = UnicodeNormalization.ToNfkc(mapped.ToString());
        prepared = normalized.EnumerateRunes().Any(rune => IsProhibited(rune.Value)) ? null : normalized;
        return prepared is not null;
    }

    /// <summary>RFC 3454 table C.1.2.</summary>
    private static bool IsNonAsciiSpace(int c) => c is 0x00A0 or 0x1680 or (>= 0x2000 and <= 0x200B) or 0x202F or 0x205F or 0x3000;

    /// <summary>RFC 3454 table B.1.</summary>
    private static bool IsMappedToNothing(int c) =>
        c is 0x00AD or 0x034F or 0x1806 or (>= 0x180B and <= 0x180D) or 0x200C or 0x200D or 0x2060 or (>= 0xFE00 and <= 0xFE0F) or 0xFEFF;

    /// <summary>RFC 4013 §2.3: RFC 3454 tables C.1.2, C.2.1, C.2.2 and C.3 to C.9.</summary>
    private static bool IsProhibited(int c) =>
        IsNonAsciiSpace(c) ||
        c is < 0x20 or (>= 0x7F and <= 0x9F) or 0x06DD or 0x070F or 0x180E or 0x2028 or 0x2029 or (>= 0x2061 and <= 0x2063) or
            (>= 0x206A and <= 0x206F) or (>= 0xFFF9 and <= 0xFFFD) or (>= 0x1D173 and <= 0x1D17A) ||
        c is (>= 0xE000 and <= 0xF8FF) or >= 0xF0000 ||
        c is (>= 0xFDD0 and <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE ||
        c is (>= 0x2FF0 and <= 0x2FFB) ||
        c is 0x0340 or 0x0341 or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) ||
        c is 0xE0001 or (>= 0xE0020 and <= 0xE007F);
}
