using System.Formats.Asn1;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailGrains.Protocols.Tls;

namespace MailGrains.Gateways.Tls;

/// <summary>A certificate as its files held it at one time.</summary>
/// <param name="Names">The DNS names it is for, lower case; a wildcard as <c>*.example.org</c>.</param>
internal sealed record LoadedCertificate(TlsCertificate Tls, IReadOnlyList<string> Names, DateTimeOffset NotAfter, FileStamps Stamps)
{
    private const int MaxFileBytes = 1024 * 1024;

    /// <summary>SHA-256 of the leaf, as hexadecimal digits.</summary>
    public string Fingerprint => Tls.Context.TargetCertificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <exception cref="IOException">A file can't be read, is no PEM file, or key and certificate do not belong together.</exception>
    public static LoadedCertificate Read(CertificateFile file)
    {
        var (chainPem, chainStamp) = ReadText(file.Path);
        var (keyPem, keyStamp) = file.KeyPath is { } keyPath ? ReadText(keyPath) : (chainPem, default);
        try
        {
            return Parse(chainPem, keyPem, file.Password, new FileStamps(chainStamp, keyStamp));
        }
        catch (Exception e) when (IsOfContent(e))
        {
            throw new IOException($"{file.KeyPath ?? file.Path}: {e.Message}", e);
        }
    }

    /// <summary>Whether that is what <see cref="Parse"/> throws of a text that is no certificate with its key.</summary>
    public static bool IsOfContent(Exception failure) =>
        failure is CryptographicException or ArgumentException or AsnContentException or NotSupportedException;

    /// <exception cref="Exception">It is no certificate with its key: <see cref="IsOfContent"/>.</exception>
    public static LoadedCertificate Parse(string chainPem, string keyPem, string? password, FileStamps stamps)
    {
        var leaf = keyPem.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal)
            ? X509Certificate2.CreateFromEncryptedPem(chainPem, keyPem, password)
            : X509Certificate2.CreateFromPem(chainPem, keyPem);
        if (OperatingSystem.IsWindows())
        {
            // Schannel takes no key that lives in memory only.
            leaf = X509CertificateLoader.LoadPkcs12(leaf.Export(X509ContentType.Pkcs12), null);
        }

        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(chainPem);
        return new LoadedCertificate(
            new TlsCertificate(SslStreamCertificateContext.Create(leaf, chain, offline: true), EndPointBinding.Of(leaf)),
            [.. leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(e => e.EnumerateDnsNames()).Select(n => n.ToLowerInvariant())],
            leaf.NotAfter.ToUniversalTime(),
            stamps);
    }

    // The stamp is taken first: what changes while it is read has another one at the next look.
    private static (string Text, FileStamp Stamp) ReadText(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var stamp = FileStamp.Of(stream.SafeFileHandle);
            if (stamp.Bytes > MaxFileBytes)
            {
                throw new IOException($"{path} is too large for a certificate.");
            }

            using var reader = new StreamReader(stream, Encoding.Latin1);
            return (reader.ReadToEnd(), stamp);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
