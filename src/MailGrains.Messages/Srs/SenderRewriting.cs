using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Messages.Srs;

public enum SrsStatus
{
    /// <summary>No address of this scheme.</summary>
    NotRewritten = 0,

    /// <summary>One that we made.</summary>
    Reversed = 1,

    /// <summary>One that we made, too long ago.</summary>
    Expired = 2,

    /// <summary>It looks like one that we made, and is not; also one of a key that has been dropped.</summary>
    Forged = 3,
}

/// <param name="Localpart">With <see cref="SrsStatus.Reversed"/>, else empty. Not quoted.</param>
/// <param name="Domain">The same.</param>
public readonly record struct SrsReversal(SrsStatus Status, string Localpart, string Domain);

/// <summary>
/// The Sender Rewriting Scheme: mail that is passed on to another server gets a reverse-path of the domain that passes it on, so that SPF is
/// about that domain, and reports that come back to it find their way to the sender.
/// <code>
/// SRS0=hash=day=domain=localpart@forwarder
/// SRS1=hash=first=…@forwarder               … is what follows SRS0 in an address of the domain "first", whoever forwarded it meanwhile
/// </code>
/// The hash is over all else and the forwarder, in lower case: some servers change the case of localparts. Only who has the key can make an address
/// that leads out again, so nobody is an open relay by it, and only for <see cref="MaxAgeDays"/> days.
/// </summary>
public sealed class SenderRewriting
{
    public const int MaxAgeDays = 21;

    /// <summary>As many octets as this server takes itself. RFC 5321 §4.5.3.1.1 has 64, which addresses of this scheme must pass.</summary>
    public const int MaxLocalpartBytes = 256;

    public const int MinKeyBytes = 16;

    private const string Base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>40 bits.</summary>
    private const int HashChars = 8;

    /// <summary>Two digits of base 32.</summary>
    private const int Days = 1024;

    private readonly byte[][] _keys;
    private readonly TimeProvider _time;

    /// <param name="keys">The first one signs, all verify: a new one is put first and the old one dropped <see cref="MaxAgeDays"/> days later.</param>
    /// <exception cref="ArgumentException">No key, or one that is too short.</exception>
    public SenderRewriting(IEnumerable<byte[]> keys, TimeProvider time)
    {
        _keys = [.. keys];
        _time = time;
        if (_keys.Length == 0 || _keys.Any(key => key.Length < MinKeyBytes))
        {
            throw new ArgumentException($"Keys have {MinKeyBytes} octets or more, and there is one at least.", nameof(keys));
        }
    }

    /// <summary>
    /// The localpart at the forwarder that stands for an address. Null where there is none, since it would be too long: the mail goes on under the
    /// address that it has.
    /// </summary>
    /// <param name="localpart">Not quoted.</param>
    /// <param name="forwarder">The domain that passes it on, one that we get mail for.</param>
    public string? Rewrite(string localpart, string domain, string forwarder)
    {
        if (domain.Equals(forwarder, StringComparison.OrdinalIgnoreCase))
        {
            return localpart;
        }

        if (domain.Length == 0 || localpart.Length == 0 || domain.Contains('='))
        {
            return null;
        }

        string rewritten;
        if (Srs1.Parse(localpart) is { } forwarded)
        {
            // Forwarders between the first one and us drop out, so an address never grows by more than one.
            rewritten = $"SRS1={Hash(_keys[0], "1", forwarded.First, forwarded.Rest, forwarder)}={forwarded.First}={forwarded.Rest}";
        }
        else if (IsSrs(localpart, '0'))
        {
            var rest = localpart[4..];
            rewritten = $"SRS1={Hash(_keys[0], "1", domain, rest, forwarder)}={domain}={rest}";
        }
        else
        {
            var day = DayText(Today);
            rewritten = $"SRS0={Hash(_keys[0], day, domain, localpart, forwarder)}={day}={domain}={localpart}";
        }

        return Encoding.UTF8.GetByteCount(rewritten) <= MaxLocalpartBytes ? rewritten : null;
    }

    /// <summary>Where mail goes that comes to an address: a report to the sender, or to the server that rewrote the sender first.</summary>
    /// <param name="localpart">Not quoted.</param>
    /// <param name="forwarder">The domain that it stands at.</param>
    public SrsReversal Reverse(string localpart, string forwarder)
    {
        if (Encoding.UTF8.GetByteCount(localpart) > MaxLocalpartBytes)
        {
            return new SrsReversal(IsSrs(localpart, '0') || IsSrs(localpart, '1') ? SrsStatus.Forged : SrsStatus.NotRewritten, "", "");
        }

        if (Srs1.Parse(localpart) is { } forwarded)
        {
            return IsOurs(forwarded.Hash, "1", forwarded.First, forwarded.Rest, forwarder)
                ? new SrsReversal(SrsStatus.Reversed, "SRS0" + forwarded.Rest, forwarded.First)
                : new SrsReversal(SrsStatus.Forged, "", "");
        }

        if (!IsSrs(localpart, '0'))
        {
            return new SrsReversal(IsSrs(localpart, '1') ? SrsStatus.Forged : SrsStatus.NotRewritten, "", "");
        }

        // SRS0, hash, day, domain, localpart: the last may hold any character.
        var parts = localpart.Split('=', 5);
        if (parts is not [_, var hash, var day, var domain, var original] || DayOf(day) is not { } made || !IsOurs(hash, day, domain, original, forwarder))
        {
            return new SrsReversal(SrsStatus.Forged, "", "");
        }

        // Its clock may be a day ahead of ours.
        var age = (Today - made + Days + 1) % Days - 1;
        return age <= MaxAgeDays ? new SrsReversal(SrsStatus.Reversed, original, domain) : new SrsReversal(SrsStatus.Expired, "", "");
    }

    private int Today => (int)(_time.GetUtcNow().ToUnixTimeSeconds() / 86_400 % Days);

    private static string DayText(int day) => new([Base32[day >> 5], Base32[day & 31]]);

    private static int? DayOf(string text) =>
        text.Length == 2 && Digit(text[0]) is >= 0 and var high && Digit(text[1]) is >= 0 and var low ? (high << 5) | low : null;

    private static int Digit(char c) => Base32.IndexOf(char.ToUpperInvariant(c), StringComparison.Ordinal);

    /// <summary>SRS0 or SRS1 with one of the separators that forwarders use.</summary>
    private static bool IsSrs(string localpart, char kind) =>
        localpart.Length > 5 && localpart.StartsWith("SRS", StringComparison.OrdinalIgnoreCase) && localpart[3] == kind && localpart[4] is '=' or '+' or '-';

    private bool IsOurs(string hash, string stamp, string domain, string rest, string forwarder)
    {
        var given = Encoding.UTF8.GetBytes(hash.ToUpperInvariant());
        var isOurs = false;
        foreach (var key in _keys)
        {
            isOurs |= CryptographicOperations.FixedTimeEquals(given, Encoding.ASCII.GetBytes(Hash(key, stamp, domain, rest, forwarder)));
        }

        return isOurs;
    }

    private static string Hash(byte[] key, string stamp, string domain, string rest, string forwarder)
    {
        // No part but the last holds a line feed, so no two addresses have the same text.
        var text = string.Join('\n', "srs", stamp, forwarder, domain, rest).ToLowerInvariant();
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text), hash);
        return string.Create(HashChars, hash[..(HashChars * 5 / 8)], static (chars, octets) =>
        {
            var bits = 0UL;
            foreach (var octet in octets)
            {
                bits = (bits << 8) | octet;
            }

            for (var i = HashChars - 1; i >= 0; i--, bits >>= 5)
            {
                chars[i] = Base32[(int)(bits & 31)];
            }
        });
    }

    /// <param name="Rest">What follows SRS0 in the address at <paramref name="First"/>, its separator included.</param>
    private sealed record Srs1(string Hash, string First, string Rest)
    {
        public static Srs1? Parse(string localpart) =>
            IsSrs(localpart, '1') && localpart[5..].Split('=', 3) is [var hash, { Length: > 0 } first, ['=' or '+' or '-', ..] rest]
                ? new Srs1(hash, first, rest)
                : null;
    }
}
