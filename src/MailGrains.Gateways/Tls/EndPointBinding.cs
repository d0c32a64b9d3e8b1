using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MailGrains.Gateways.Tls;

/// <summary>tls-server-end-point: the hash of a certificate, by the hash function of its signature.</summary>
internal static class EndPointBinding
{
    private const string RsaPss = "1.2.840.113549.1.1.10";

    /// <summary>Empty where the signature uses no single hash function: the binding is then undefined.</summary>
    public static byte[] Of(X509Certificate2 certificate)
    {
        var algorithm = certificate.SignatureAlgorithm.Value == RsaPss ? PssHash(certificate.RawData) : certificate.SignatureAlgorithm.Value;
        return Hash(algorithm) is { } hash ? CryptographicOperations.HashData(hash, certificate.RawData) : [];
    }

    // RFC 5929 §4.1: MD5 and SHA-1 give way to SHA-256.
    private static HashAlgorithmName? Hash(string? oid) => oid switch
    {
        "1.2.840.113549.1.1.4" or "1.2.840.113549.1.1.5" or "1.2.840.10045.4.1" or "1.2.840.10040.4.3" or "1.3.14.3.2.26" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.11" or "1.2.840.10045.4.3.2" or "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
        "1.2.840.113549.1.1.12" or "1.2.840.10045.4.3.3" or "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
        "1.2.840.113549.1.1.13" or "1.2.840.10045.4.3.4" or "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
        _ => null,
    };

    // RFC 4055 §3.1: the hash stands in the parameters; where it is left out, it is SHA-1.
    private static string PssHash(byte[] certificate)
    {
        const string Sha1 = "1.3.14.3.2.26";
        var outer = new AsnReader(certificate, AsnEncodingRules.DER).ReadSequence();
        outer.ReadEncodedValue();
        var algorithm = outer.ReadSequence();
        algorithm.ReadObjectIdentifier();
        var hashTag = new Asn1Tag(TagClass.ContextSpecific, 0);
        var parameters = algorithm.HasData ? algorithm.ReadSequence() : null;
        return parameters is { HasData: true } && parameters.PeekTag().HasSameClassAndValue(hashTag)
            ? parameters.ReadSequence(hashTag).ReadSequence().ReadObjectIdentifier()
            : Sha1;
    }
}
