using System.Security.Cryptography;
using System.Text;
using MailGrains.Grains.Directory;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>Verifiers against the exchanges that the RFCs print: the client's proof fits the stored key, the server's signature its key.</summary>
public sealed class ScramVerifierTests
{
    [Theory]
    [InlineData(
        "SHA1",
        "QSXCR+Q6sek8bf92",
        "n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096," +
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "rmF9pqV8S7suAoZWja4dJRkFsKQ=")]
    [InlineData(
        "SHA256",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")]
    public void ExchangeOfTheRfcIsVerified(string algorithm, string salt, string authMessage, string proof, string serverSignature)
    {
        var hash = new HashAlgorithmName(algorithm);
        var message = Encoding.ASCII.GetBytes(authMessage);

        var verifier = ScramVerifier.Derive(hash, "pencil", Convert.FromBase64String(salt), 4_096);

        // RFC 5802 §3: ClientKey := ClientProof XOR HMAC(StoredKey, AuthMessage), and its hash is StoredKey.
        var clientSignature = CryptographicOperations.HmacData(hash, verifier.StoredKey, message);
        var clientKey = Convert.FromBase64String(proof).Zip(clientSignature, (p, s) => (byte)(p ^ s)).ToArray();
        Assert.Equal(verifier.StoredKey, CryptographicOperations.HashData(hash, clientKey));
        Assert.Equal(serverSignature, Convert.ToBase64String(CryptographicOperations.HmacData(hash, verifier.ServerKey, message)));
        Assert.True(verifier.Verify(hash, "pencil"));
        Assert.False(verifier.Verify(hash, "Pencil"));
    }

    /// <summary>RFC 4013 §3, and what keyboards do.</summary>
    [Theory]
    [InlineData("I\u00ADX", "IX")]
    [InlineData("user", "user")]
    [InlineData("USER", "USER")]
    [InlineData("\u00AA", "a")]
    [InlineData("\u2168", "IX")]
    [InlineData("a\u00A0b", "a b")]
    [InlineData("e\u0301", "\u00E9")]
    [InlineData("\u0007", null)]
    [InlineData("\uE000", null)]
    [InlineData("\uD800", null)]
    public void PasswordsArePrepared(string text, string? prepared)
    {
        Assert.Equal(prepared is not null, SaslPrep.TryPrepare(text, out var actual));
        Assert.Equal(prepared, actual);
    }
}
