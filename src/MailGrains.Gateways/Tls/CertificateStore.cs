using System.Diagnostics.Metrics;
using MailGrains.Gateways.Acme;
using MailGrains.Protocols.Tls;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Tls;

/// <summary>
/// The certificates of this process by server name: first those of the configured files, then those that were ordered by ACME, and where no files are
/// configured a self-signed one for what is left, which is there after the first <see cref="RefreshAsync"/>. Changed ones are put in place at once and as a whole; connections go on with what they have. A changed pair that can't be
/// read, or whose key belongs to another certificate (one file is replaced before the other), leaves the former one in place.
/// </summary>
public sealed partial class CertificateStore : IDisposable
{
    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateStore> _logger;
    private readonly Meter _meter;
    private readonly SelfSignedCertificate _selfSigned;
    private readonly OrderedCertificates? _ordered;
    private readonly IReadOnlyList<CertificateFile> _files;
    private readonly FileStamps[] _seen;
    private readonly DateTimeOffset?[] _warned;
    private readonly Lock _refreshing = new();
    private LoadedCertificate[] _own = [];
    private bool _saidNotRenewed;
    private bool _saidNotRead;
    private volatile CertificateTable? _table;

    /// <param name="ordered">Null: none are ordered.</param>
    /// <exception cref="IOException">A certificate can't be used; the message names its file.</exception>
    public CertificateStore(
        TlsOptions options, SelfSignedCertificate selfSigned, IMeterFactory meters, TimeProvider time, ILogger<CertificateStore> logger,
        OrderedCertificates? ordered = null)
    {
        (_options, _selfSigned, _time, _logger, _ordered) = (options, selfSigned, time, logger, ordered);
        _files = options.Certificates;
        LoadedCertificate[] loaded = [.. _files.Select(LoadedCertificate.Read)];
        _seen = [.. loaded.Select(c => c.Stamps)];
        _warned = new DateTimeOffset?[loaded.Length];
        if (loaded.Length > 0)
        {
            Place(loaded);
            WarnOfExpiry(loaded);
        }

        _meter = meters.Create(GatewayMetrics.MeterName);
        _meter.CreateObservableGauge("mailgrains.tls.certificate.days", DaysLeft, "d", "Until the first of the certificates expires");
    }

    /// <summary>By SNI (RFC 6066 §3); without one, or for a name that no certificate has, that of our host name, else the first.</summary>
    /// <exception cref="InvalidOperationException">No certificate is there yet.</exception>
    public TlsCertificate Find(string? serverName) =>
        (_table ?? throw new InvalidOperationException("The certificates are asked for before they were read.")).Find(serverName);

    /// <summary>Takes what has changed since the last look; where no files are configured, sees to the self-signed certificate. One call at a time.</summary>
    /// <exception cref="StoreException">There is no certificate yet, and the store can't be asked now.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (_files.Count > 0)
        {
            RefreshFiles();
        }
        else
        {
            await RefreshSelfSignedAsync(cancellationToken);
        }

        await RefreshOrderedAsync(cancellationToken);
    }

    public void Dispose() => _meter.Dispose();

    private void RefreshFiles()
    {
        lock (_refreshing)
        {
            var current = _own;
            LoadedCertificate[] next = [.. _files.Select((file, i) => Changed(file, i) ?? current[i])];
            if (!next.SequenceEqual(current))
            {
                Place(next);
            }

            WarnOfExpiry(next);
        }
    }

    private async Task RefreshSelfSignedAsync(CancellationToken cancellationToken)
    {
        var former = _own.FirstOrDefault();
        if (former is not null && former.NotAfter - _time.GetUtcNow() > _options.ExpiryWarning)
        {
            return;
        }

        try
        {
            var found = await _selfSigned.FindOrMakeAsync(cancellationToken);
            Place([found]);
            LogSelfSigned(_options.HostName, found.Fingerprint, found.NotAfter);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            // No time mends that, and mail is to flow: clients that look at self-signed certificates at all see another one of each process.
            var unkept = _selfSigned.MakeUnkept();
            Place([unkept]);
            LogUnkept(_options.HostName, unkept.Fingerprint, unkept.NotAfter, e.Message);
        }
        catch (StoreException e) when (former is not null)
        {
            if (!_saidNotRenewed)
            {
                LogNotRenewed(former.NotAfter, e.Message);
            }

            _saidNotRenewed = true;
            return;
        }

        _saidNotRenewed = false;
    }

    private async Task RefreshOrderedAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_ordered is not null && await _ordered.RefreshAsync(cancellationToken))
            {
                Place(_own);
            }

            _saidNotRead = false;
        }
        catch (StoreException e)
        {
            if (!_saidNotRead)
            {
                LogNotRead(e.Message);
            }

            _saidNotRead = true;
        }
    }

    private void Place(LoadedCertificate[] own)
    {
        var ordered = _ordered?.Current ?? [];
        _own = own;
        _table = new CertificateTable(_files.Count > 0 ? [.. own, .. ordered] : [.. ordered, .. own], _options.HostName);
    }

    private LoadedCertificate? Changed(CertificateFile file, int index)
    {
        var stamps = FileStamps.Of(file);
        if (stamps == _seen[index])
        {
            return null;
        }

        _seen[index] = stamps;
        try
        {
            var loaded = LoadedCertificate.Read(file);
            _seen[index] = loaded.Stamps;
            LogReplaced(file.Path, loaded.NotAfter);
            return loaded;
        }
        catch (Exception e)
        {
            // Whatever is wrong with it: the former one is good. Said once for what is there; a file that is still being written has another stamp at the next look.
            LogKept(file.Path, e.Message);
            return null;
        }
    }

    // Once a day for each.
    private void WarnOfExpiry(LoadedCertificate[] certificates)
    {
        var now = _time.GetUtcNow();
        for (var i = 0; i < certificates.Length; i++)
        {
            var left = certificates[i].NotAfter - now;
            if (left < _options.ExpiryWarning && !(now - _warned[i] < TimeSpan.FromDays(1)))
            {
                _warned[i] = now;
                LogExpires(_files[i].Path, certificates[i].NotAfter, (int)left.TotalDays);
            }
        }
    }

    private IEnumerable<Measurement<double>> DaysLeft() =>
        _table is { } table ? [new((table.Certificates.Min(c => c.NotAfter) - _time.GetUtcNow()).TotalDays)] : [];

    [LoggerMessage(Level = LogLevel.Warning, Message = "No TLS certificate is configured: clients see a self-signed one for {HostName}, SHA-256 {Fingerprint}, until {NotAfter}")]
    private partial void LogSelfSigned(string hostName, string fingerprint, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Error, Message = "The self-signed TLS certificate in the store can't be read: this process shows one of its own for {HostName}, SHA-256 {Fingerprint}, until {NotAfter}: {Why}")]
    private partial void LogUnkept(string hostName, string fingerprint, DateTimeOffset notAfter, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The self-signed TLS certificate, good until {NotAfter}, can't be made anew now: {Why}")]
    private partial void LogNotRenewed(DateTimeOffset notAfter, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificates that were ordered can't be read now, the former ones stay: {Why}")]
    private partial void LogNotRead(string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "TLS certificate {Path} has changed and is in use now; it expires on {NotAfter}")]
    private partial void LogReplaced(string path, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "TLS certificate {Path} has changed and can't be used, the former one stays: {Why}")]
    private partial void LogKept(string path, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "TLS certificate {Path} expires on {NotAfter}, in {Days} days")]
    private partial void LogExpires(string path, DateTimeOffset notAfter, int days);
}
