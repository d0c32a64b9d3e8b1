using System.Buffers;
using System.Text;

namespace MailGrains.Protocols.Smtp;

/// <summary>Writes localparts in the grammar of RFC 5321 §4.1.2.</summary>
internal static class MailboxText
{
    private static readonly SearchValues<char> Atext =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~");

    /// <summary>Atom *("." Atom), where an atom may hold any character beyond US-ASCII (RFC 6531 §3.3).</summary>
    public static bool IsDotString(string text)
    {
        var afterDot = true;
        foreach (var c in text)
        {
            if (c == '.' && !afterDot)
            {
                afterDot = true;
            }
            else if (c > '\x7f' || Atext.Contains(c))
            {
                afterDot = false;
            }
            else
            {
                return false;
            }
        }

        return !afterDot;
    }

    /// <summary>Quoted-string: backslashes before quote and backslash only.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
            {
                quoted.Append('\\');
            }

            quoted.Append(c);
        }

        return quoted.Append('"').ToString();
    }
}
