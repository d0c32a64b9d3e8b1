using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MailGrains.Gateways.Tls;

/// <summary>The certificate of a server that was given none: made once, and kept with its key in a file that only its owner can read.</summary>
internal sealed class SelfSignedCertificate(TlsOptions options, TimeProvider time)
{
    private const string FileName = "tls-self-signed.pem";
    private const int MostWaitMilliseconds = 5_000;
    private const int RetryMilliseconds = 10;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    public CertificateFile File { get; } = new(Path.Combine(options.DataFolder, FileName));

    /// <summary>Makes it where there is none, or one that is of another name or too old. True: it was made now.</summary>
    /// <exception cref="IOException">The file can't be read or made.</exception>
    public bool Ensure()
    {
        System.IO.Directory.CreateDirectory(options.DataFolder);
        for (var deadline = Environment.TickCount64 + MostWaitMilliseconds; ; Thread.Sleep(RetryMilliseconds))
        {
            try
            {
                return KeepOrMake();
            }
            catch (IOException) when (Environment.TickCount64 < deadline)
            {
                // Another process holds it, to make it or to read it.
            }
        }
    }

    // One of several processes makes it, behind a lock of its own; those that read it meanwhile find the former one or the new one, whole.
    private bool KeepOrMake()
    {
        using var @lock = new FileStream(File.Path + ".lock", OptionsFor(FileMode.OpenOrCreate));
        if (System.IO.File.Exists(File.Path) && IsGood(System.IO.File.ReadAllText(File.Path)))
        {
            return false;
        }

        var made = File.Path + ".new";
        using (var stream = new FileStream(made, OptionsFor(FileMode.Create)))
        {
            stream.Write(Encoding.ASCII.GetBytes(Make()));
            stream.Flush(flushToDisk: true);
        }

        System.IO.File.Move(made, File.Path, overwrite: true);
        return true;
    }

    private static FileStreamOptions OptionsFor(FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        return options;
    }

    private bool IsGood(string pem)
    {
        try
        {
            using var kept = X509Certificate2.CreateFromPem(pem, pem);
            return kept.MatchesHostname(options.HostName) && kept.NotAfter.ToUniversalTime() - time.GetUtcNow() > options.ExpiryWarning;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }

    private string Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={options.HostName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(options.HostName);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1", "serverAuth")], critical: false));
        var now = time.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + Life);
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }
}
