using System.Security.Cryptography;
using System.Text;

namespace MailGrains.Protocols.Sasl;

/// <summary>What a server keeps of a password for SCRAM (RFC 5802 §3), and the sums of both sides over it.</summary>
public sealed record ScramSecret(ScramHash Hash, byte[] Salt, int Iterations, byte[] StoredKey, byte[] ServerKey)
{
    /// <summary>Octets of a hash, a key, a proof and a signature.</summary>
    public static int BytesOf(ScramHash hash) => hash == ScramHash.Sha1 ? SHA1.HashSizeInBytes : SHA256.HashSizeInBytes;

    /// <summary>Costly: one PBKDF2 of <paramref name="iterations"/> rounds.</summary>
    /// <param name="prepared">The password after SASLprep.</param>
    public static ScramSecret Derive(ScramHash hash, string prepared, byte[] salt, int iterations) =>
        DeriveWithClientKey(hash, prepared, salt, iterations).Secret;

    /// <summary>With what a client alone knows, and a server must not keep.</summary>
    internal static (ScramSecret Secret, byte[] ClientKey) DeriveWithClientKey(ScramHash hash, string prepared, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(prepared), salt, iterations, NameOf(hash), BytesOf(hash));
        var clientKey = CryptographicOperations.HmacData(NameOf(hash), salted, "Client Key"u8);
        var serverKey = CryptographicOperations.HmacData(NameOf(hash), salted, "Server Key"u8);
        return (new(hash, salt, iterations, CryptographicOperations.HashData(NameOf(hash), clientKey), serverKey), clientKey);
    }

    /// <summary>ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage), and StoredKey is its hash.</summary>
    public bool Check(ReadOnlySpan<byte> authMessage, ReadOnlySpan<byte> clientProof)
    {
        if (clientProof.Length != StoredKey.Length)
        {
            return false;
        }

        var clientKey = CryptographicOperations.HmacData(NameOf(Hash), StoredKey, authMessage);
        for (var i = 0; i < clientKey.Length; i++)
        {
            clientKey[i] ^= clientProof[i];
        }

        return CryptographicOperations.FixedTimeEquals(CryptographicOperations.HashData(NameOf(Hash), clientKey), StoredKey);
    }

    /// <summary>ClientProof := ClientKey XOR HMAC(StoredKey, AuthMessage).</summary>
    internal byte[] Prove(byte[] clientKey, ReadOnlySpan<byte> authMessage)
    {
        var proof = CryptographicOperations.HmacData(NameOf(Hash), StoredKey, authMessage);
        for (var i = 0; i < proof.Length; i++)
        {
            proof[i] ^= clientKey[i];
        }

        return proof;
    }

    /// <summary>ServerSignature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> authMessage) => CryptographicOperations.HmacData(NameOf(Hash), ServerKey, authMessage);

    private static HashAlgorithmName NameOf(ScramHash hash) => hash == ScramHash.Sha1 ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256;
}
