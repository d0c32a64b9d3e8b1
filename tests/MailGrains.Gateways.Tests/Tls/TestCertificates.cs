using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Tls;
using MailGrains.Storage.Secrets;
using MailGrains.Storage.Sqlite;

namespace MailGrains.Gateways.Tests.Tls;

/// <summary>A folder for certificates' files, and an issuer.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 _issuer;
    private SqliteStore? _store;
    private DateTime _written = DateTime.UtcNow.AddMinutes(-10);

    public TestCertificates()
    {
        using var root = Authority("CN=Test root", out var rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddYears(20));
        using var issuer = Authority("CN=Test issuer", out var key).Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(10), [1]);
        _issuer = issuer.CopyWithPrivateKey(key);
        rootKey.Dispose();
        key.Dispose();
    }

    public string Folder { get; } = System.IO.Directory.CreateTempSubdirectory("mailgrains-tls-").FullName;

    /// <summary>That of a store in the folder, for a process that has no certificate configured.</summary>
    public SelfSignedCertificate SelfSigned(TlsOptions options, TimeProvider time)
    {
        _store ??= SqliteStore.Open(new SqliteStoreOptions { Path = At("store") });
        return new SelfSignedCertificate(_store.Accounts, SecretSeal.None, options, time);
    }

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>A certificate for the names, and its key.</summary>
    public (string Chain, string Key, X509Certificate2 Certificate) Issue(string[] names, DateTimeOffset? notAfter = null, string? password = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + names[0], key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            san.AddDnsName(name);
        }

        request.CertificateExtensions.Add(san.Build());
        var certificate = request.Create(
            _issuer, DateTimeOffset.UtcNow.AddDays(-1), notAfter ?? DateTimeOffset.UtcNow.AddYears(1), RandomNumberGenerator.GetBytes(8));
        var keyPem = password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        return (certificate.ExportCertificatePem() + "\n" + _issuer.ExportCertificatePem() + "\n", keyPem, certificate);
    }

    /// <summary>Chain and key in one file; the certificate's thumbprint.</summary>
    public string Write(string file, params string[] names)
    {
        var (chain, key, certificate) = Issue(names);
        Put(file, chain + key);
        return certificate.Thumbprint;
    }

    /// <summary>With a time of its own: a file system's clock may stand still between two writes.</summary>
    public void Put(string file, string content)
    {
        File.WriteAllText(At(file), content);
        File.SetLastWriteTimeUtc(At(file), _written += TimeSpan.FromSeconds(1));
    }

    private static CertificateRequest Authority(string name, out ECDsa key)
    {
        key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        return request;
    }

    public void Dispose()
    {
        _issuer.Dispose();
        _store?.Dispose();
        System.IO.Directory.Delete(Folder, recursive: true);
    }
}
