using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;

namespace MailGrains.Gateways.Tls;

/// <summary>
/// The certificate of a service that was given none. It lies in the store with its key (partition <c>self-signed</c>, by host name), so that all processes
/// show the same; whichever is first makes it, and makes the next one in time.
/// </summary>
public sealed class SelfSignedCertificate(StorageAccounts accounts, SecretSeal seal, TlsOptions options, TimeProvider time)
{
    private const string Partition = "self-signed";
    private static readonly TimeSpan Life = TimeSpan.FromDays(365);

    private readonly SecretRows _rows = new(accounts, seal, Partition);

    /// <summary>The one that is good now: as stored, or made and stored where there is none, or one that is too old or damaged.</summary>
    /// <exception cref="StoreException">It can't be read or kept now; <see cref="StoreFailure.Unreadable"/>: ever, until somebody sees to its row.</exception>
    internal async Task<LoadedCertificate> FindOrMakeAsync(CancellationToken cancellationToken)
    {
        var row = await _rows.FindOrMakeAsync(options.HostName, Make, cancellationToken);
        if (TryLoad(row) is { } stored)
        {
            return stored;
        }

        // Where another process was faster, its one counts.
        row = await _rows.TryReplaceAsync(row, Make(), cancellationToken) ?? await _rows.FindOrMakeAsync(options.HostName, Make, cancellationToken);
        return TryLoad(row) ?? throw new StoreException(StoreFailure.Unavailable, "The self-signed certificate is being changed.");
    }

    /// <summary>One of this process alone, that is not kept.</summary>
    internal LoadedCertificate MakeUnkept()
    {
        var made = Make();
        return LoadedCertificate.Parse(made, made, password: null, default);
    }

    private LoadedCertificate? TryLoad(SecretRow row)
    {
        try
        {
            var loaded = LoadedCertificate.Parse(row.Value, row.Value, password: null, default);
            return loaded.NotAfter - time.GetUtcNow() > options.ExpiryWarning ? loaded : null;
        }
        catch (Exception e) when (LoadedCertificate.IsOfContent(e))
        {
            return null;
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
