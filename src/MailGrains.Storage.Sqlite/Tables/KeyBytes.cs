using System.Text;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>
/// Keys as the bytes that SQLite compares. ASCII stands for itself; other UTF-16 code units are written one by one, as in CESU-8, so
/// that comparing bytes gives the ordinal order of .NET strings (UTF-8 would order U+E000 to U+FFFF before the surrogates' characters).
/// </summary>
internal static class KeyBytes
{
    /// <summary>Sorts after every key.</summary>
    public static ReadOnlySpan<byte> PastAll => [0xff];

    /// <summary>Sorts before every key: keys hold no control characters.</summary>
    public static ReadOnlySpan<byte> BeforeAll => [0x01];

    public static int MaxLength(string key) => 3 * key.Length;

    public static int Write(string key, Span<byte> target)
    {
        if (Ascii.FromUtf16(key, target, out var written) == System.Buffers.OperationStatus.Done)
        {
            return written;
        }

        var length = 0;
        foreach (var c in key)
        {
            if (c < 0x80)
            {
                target[length++] = (byte)c;
            }
            else if (c < 0x800)
            {
                target[length++] = (byte)(0xc0 | (c >> 6));
                target[length++] = (byte)(0x80 | (c & 0x3f));
            }
            else
            {
                target[length++] = (byte)(0xe0 | (c >> 12));
                target[length++] = (byte)(0x80 | ((c >> 6) & 0x3f));
                target[length++] = (byte)(0x80 | (c & 0x3f));
            }
        }

        return length;
    }

    public static byte[] Of(string key)
    {
        var bytes = new byte[MaxLength(key)];
        return bytes[..Write(key, bytes)];
    }

    /// <summary>The least bytes above those of <paramref name="key"/>: no key lies between.</summary>
    public static byte[] After(string key) => [.. Of(key), 0];

    public static string Read(ReadOnlySpan<byte> bytes)
    {
        if (Ascii.IsValid(bytes))
        {
            return Encoding.ASCII.GetString(bytes);
        }

        var key = new StringBuilder(bytes.Length);
        for (var i = 0; i < bytes.Length;)
        {
            var b = bytes[i];
            if (b < 0x80)
            {
                key.Append((char)b);
                i++;
            }
            else if (b < 0xe0)
            {
                key.Append((char)(((b & 0x1f) << 6) | (bytes[i + 1] & 0x3f)));
                i += 2;
            }
            else
            {
                key.Append((char)(((b & 0x0f) << 12) | ((bytes[i + 1] & 0x3f) << 6) | (bytes[i + 2] & 0x3f)));
                i += 3;
            }
        }

        return key.ToString();
    }
}
