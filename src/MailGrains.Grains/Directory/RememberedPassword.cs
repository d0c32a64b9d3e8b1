using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Grains.Directory;

/// <summary>
/// The last password that was right, as an HMAC under a key of this activation, for as long as the record's ETag stays: a client that
/// logs in each minute costs a point read instead of a derivation.
/// </summary>
internal sealed class RememberedPassword
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private (string ETag, byte[] Hmac)? _last;

    /// <param name="prepared">The password after <see cref="SaslPrep"/>.</param>
    public bool Is(string? etag, string prepared)
    {
        var hmac = HmacOf(prepared);
        return _last is { } last && last.ETag == etag && CryptographicOperations.FixedTimeEquals(last.Hmac, hmac);
    }

    public void Remember(string etag, string prepared) => _last = (etag, HmacOf(prepared));

    private byte[] HmacOf(string prepared) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(prepared));
}
