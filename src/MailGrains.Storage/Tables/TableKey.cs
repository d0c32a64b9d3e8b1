using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace MailGrains.Storage.Tables;

/// <summary>
/// Encodes any text, reversibly, into characters that every store takes as a key and orders alike: ASCII letters, digits and
/// <c>- _ . @ + : ,</c> and space stand for themselves, every other byte of the UTF-8 form is <c>=</c> and two upper-case hex digits.
/// Text that is no valid UTF-16 is refused, so that two different inputs never share a key.
/// </summary>
public static class TableKey
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <exception cref="ArgumentException">The text holds a lone surrogate, or is too long once encoded.</exception>
    public static string Encode(string text)
    {
        if (IsPlain(text))
        {
            return text.Length <= TableLimits.MaxKeyChars ? text : throw TooLong(nameof(text));
        }

        byte[] bytes;
        try
        {
            bytes = Strict.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException("The text is no valid UTF-16.", nameof(text), e);
        }

        var key = new StringBuilder(bytes.Length + 16);
        foreach (var b in bytes)
        {
            if (Stands((char)b))
            {
                key.Append((char)b);
            }
            else
            {
                key.Append('=').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return key.Length <= TableLimits.MaxKeyChars ? key.ToString() : throw TooLong(nameof(text));
    }

    /// <summary>The text that <see cref="Encode"/> made this key of; false where it made no such key.</summary>
    public static bool TryDecode(string key, [NotNullWhen(true)] out string? text)
    {
        text = null;
        var bytes = new List<byte>(key.Length);
        for (var i = 0; i < key.Length; i++)
        {
            if (key[i] != '=')
            {
                if (!Stands(key[i]))
                {
                    return false;
                }

                bytes.Add((byte)key[i]);
            }
            else if (i + 2 < key.Length && IsUpperHex(key[i + 1]) && IsUpperHex(key[i + 2]))
            {
                var value = byte.Parse(key.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                if (Stands((char)value))
                {
                    return false;
                }

                bytes.Add(value);
                i += 2;
            }
            else
            {
                return false;
            }
        }

        try
        {
            text = Strict.GetString([.. bytes]);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static bool IsPlain(string text)
    {
        foreach (var c in text)
        {
            if (!Stands(c))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Stands(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@' or '+' or ':' or ',' or ' ';

    private static bool IsUpperHex(char c) => char.IsAsciiDigit(c) || c is >= 'A' and <= 'F';

    private static ArgumentException TooLong(string parameter) =>
        new($"The text takes more than {TableLimits.MaxKeyChars} characters as a key.", parameter);
}
