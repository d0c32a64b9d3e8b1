using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Grains.Directory;

/// <summary>
/// What a SCRAM server keeps of a password (RFC 5802 §3): enough to check a proof, or the password itself, not enough to log in with.
/// </summary>
internal sealed record ScramVerifier(int Iterations, byte[] Salt, byte[] StoredKey, byte[] ServerKey)
{
    public const int SaltBytes = 16;

    /// <summary>A verifier with a new salt. Costly: one PBKDF2 of <paramref name="iterations"/> rounds.</summary>
    /// <param name="prepared">The password after <see cref="SaslPrep"/>.</param>
    public static ScramVerifier Make(HashAlgorithmName hash, string prepared, int iterations) =>
        Derive(hash, prepared, RandomNumberGenerator.GetBytes(SaltBytes), iterations);

    public static ScramVerifier Derive(HashAlgorithmName hash, string prepared, byte[] salt, int iterations)
    {
        var salted = SaltedPassword(hash, prepared, salt, iterations);
        return new ScramVerifier(
            iterations, salt, StoredKeyOf(hash, salted), CryptographicOperations.HmacData(hash, salted, "Server Key"u8));
    }

    /// <summary>Costly, as <see cref="Make"/>; takes the same time whether the password is right or wrong.</summary>
    public bool Verify(HashAlgorithmName hash, string prepared) =>
        CryptographicOperations.FixedTimeEquals(StoredKeyOf(hash, SaltedPassword(hash, prepared, Salt, Iterations)), StoredKey);

    /// <summary>The same for <see cref="ScramSecret.Check"/> and <see cref="ScramSecret.Sign"/>.</summary>
    public ScramSecret ToSecret(ScramDigest digest) =>
        new(digest == ScramDigest.Sha1 ? ScramHash.Sha1 : ScramHash.Sha256, Salt, Iterations, StoredKey, ServerKey);

    /// <summary>RFC 5802 §2.2: Hi() is PBKDF2 with the hash's HMAC and the hash's length.</summary>
    private static byte[] SaltedPassword(HashAlgorithmName hash, string prepared, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(prepared), salt, iterations, hash, hash == HashAlgorithmName.SHA1 ? 20 : 32);

    /// <summary>RFC 5802 §3: StoredKey := H(HMAC(SaltedPassword, "Client Key")).</summary>
    private static byte[] StoredKeyOf(HashAlgorithmName hash, byte[] salted) =>
        CryptographicOperations.HashData(hash, CryptographicOperations.HmacData(hash, salted, "Client Key"u8));
}
