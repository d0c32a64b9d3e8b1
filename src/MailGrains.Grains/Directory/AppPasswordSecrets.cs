using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>
/// App passwords: 128 random bits in base32 (RFC 4648 §6), shown in groups of four. So many bits can't be guessed from a hash, so one round
/// is enough.
/// </summary>
internal static class AppPasswordSecrets
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private const int SecretBytes = 16;
    private const int Chars = 26;
    private const int SaltBytes = 16;

    public static (StoredAppPassword Stored, string Secret) Make(string label, AccessScope scopes, DateTimeOffset created, DateTimeOffset? expires)
    {
        var text = Encode(RandomNumberGenerator.GetBytes(SecretBytes));
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(9));
        return (
            new StoredAppPassword(id, label, (int)scopes, created, expires, salt, HashOf(salt, text)),
            string.Join('-', text.Chunk(4).Select(group => new string(group))));
    }

    /// <summary>The app password of the account that this is and that may be used for this now, or null.</summary>
    public static StoredAppPassword? Find(StoredAccount? account, string password, AccessScope scope, DateTimeOffset now)
    {
        if (account is not { Mailbox: not null, AppPasswords: { Length: > 0 } all } || !TryNormalize(password, out var text))
        {
            return null;
        }

        StoredAppPassword? found = null;
        foreach (var candidate in all)
        {
            if (CryptographicOperations.FixedTimeEquals(HashOf(candidate.Salt, text), candidate.Hash))
            {
                found = candidate;
            }
        }

        return found is not null && ((AccessScope)found.Scopes).HasFlag(scope) && scope != AccessScope.None && !(found.Expires <= now) ? found : null;
    }

    /// <summary>Spaces, dashes and case do not count.</summary>
    private static bool TryNormalize(string password, out string text)
    {
        var normalized = new StringBuilder(Chars);
        foreach (var c in password)
        {
            if (c is ' ' or '-' or '\u00A0')
            {
                continue;
            }

            if (normalized.Length == Chars || !Alphabet.Contains(char.ToUpperInvariant(c), StringComparison.Ordinal))
            {
                text = "";
                return false;
            }

            normalized.Append(char.ToUpperInvariant(c));
        }

        text = normalized.ToString();
        return text.Length == Chars;
    }

    private static string Encode(byte[] bytes)
    {
        var text = new StringBuilder(Chars);
        var (bits, count) = (0, 0);
        foreach (var b in bytes)
        {
            (bits, count) = (((bits << 8) | b) & 0xFFFF, count + 8);
            for (; count >= 5; count -= 5)
            {
                text.Append(Alphabet[(bits >> (count - 5)) & 31]);
            }
        }

        return (count > 0 ? text.Append(Alphabet[(bits << (5 - count)) & 31]) : text).ToString();
    }

    private static byte[] HashOf(byte[] salt, string text) => SHA256.HashData([.. salt, .. Encoding.ASCII.GetBytes(text)]);
}
