using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Tls;

namespace MailGrains.Gateways.Tests.Tls;

/// <summary>RFC 5929 §4.1.</summary>
public sealed class EndPointBindingTests
{
    [Theory]
    [InlineData("SHA256", "SHA256")]
    [InlineData("SHA384", "SHA384")]
    [InlineData("SHA512", "SHA512")]
    public void TheHashIsThatOfTheSignature(string signature, string expected)
    {
        using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        var hash = new HashAlgorithmName(signature);
        CertificateRequest[] requests =
        [
            new("CN=test", elliptic, hash),
            new("CN=test", rsa, hash, RSASignaturePadding.Pkcs1),
            new("CN=test", rsa, hash, RSASignaturePadding.Pss),
        ];

        foreach (var request in requests)
        {
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            Assert.Equal(CryptographicOperations.HashData(new HashAlgorithmName(expected), certificate.RawData), EndPointBinding.Of(certificate));
        }
    }

    [Theory]
    [InlineData("1.2.840.113549.1.1.4")] // md5WithRSAEncryption
    [InlineData("1.2.840.113549.1.1.5")] // sha1WithRSAEncryption
    [InlineData("1.2.840.10045.4.1")] // ecdsa-with-SHA1
    [InlineData("1.2.840.113549.1.1.10")] // RSASSA-PSS without parameters: SHA-1
    public void Md5AndSha1GiveWayToSha256(string algorithm)
    {
        using var certificate = SignedAs(algorithm);

        Assert.Equal(SHA256.HashData(certificate.RawData), EndPointBinding.Of(certificate));
    }

    [Fact]
    public void ASignatureWithoutAHashFunctionHasNone()
    {
        using var certificate = SignedAs("1.3.101.112");

        Assert.Empty(EndPointBinding.Of(certificate));
    }

    private static X509Certificate2 SignedAs(string algorithm)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256);
        return request.Create(
            new X500DistinguishedName("CN=issuer"), new Signature(algorithm), DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1), [1]);
    }

    /// <summary>Only names the algorithm.</summary>
    private sealed class Signature(string algorithm) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(algorithm);
            }

            return writer.Encode();
        }

        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => new byte[64];

        protected override PublicKey BuildPublicKey() => throw new NotSupportedException();
    }
}
