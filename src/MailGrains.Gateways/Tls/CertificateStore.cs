using System.Diagnostics.Metrics;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Tls;

/// <summary>
/// The certificates of this process by server name. <see cref="Refresh"/> puts changed ones in place at once and as a whole; connections go on with
/// what they have. A changed pair that can't be read, or whose key belongs to another certificate (one file is replaced before the other),
/// leaves the former one in place.
/// </summary>
public sealed partial class CertificateStore : IDisposable
{
    private readonly TlsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateStore> _logger;
    private readonly Meter _meter;
    private readonly SelfSignedCertificate? _selfSigned;
    private readonly IReadOnlyList<CertificateFile> _files;
    private readonly FileStamps[] _seen;
    private readonly DateTimeOffset?[] _warned;
    private readonly Lock _refreshing = new();
    private volatile CertificateTable _table;

    /// <exception cref="IOException">A certificate can't be used; the message names its file.</exception>
    public CertificateStore(TlsOptions options, IMeterFactory meters, TimeProvider time, ILogger<CertificateStore> logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _files = options.Certificates;
        if (_files.Count == 0)
        {
            _selfSigned = new SelfSignedCertificate(options, time);
            _files = [_selfSigned.File];
            _selfSigned.Ensure();
            LogSelfSigned(_selfSigned.File.Path, options.HostName);
        }

        LoadedCertificate[] loaded = [.. _files.Select(LoadedCertificate.Read)];
        _seen = [.. loaded.Select(c => c.Stamps)];
        _warned = new DateTimeOffset?[loaded.Length];
        _table = new CertificateTable(loaded, options.HostName);
        WarnOfExpiry(loaded);
        _meter = meters.Create(GatewayMetrics.MeterName);
        _meter.CreateObservableGauge("mailgrains.tls.certificate.days", DaysLeft, "d", "Until the first of the certificates expires");
    }

    /// <summary>By SNI (RFC 6066 §3); without one, or for a name that no certificate has, that of our host name, else the first.</summary>
    public TlsCertificate Find(string? serverName) => _table.Find(serverName);

    /// <summary>Takes files that have changed since the last look.</summary>
    public void Refresh()
    {
        lock (_refreshing)
        {
            RenewSelfSigned();
            var current = _table.Certificates;
            LoadedCertificate[] next = [.. _files.Select((file, i) => Changed(file, i) ?? current[i])];
            if (!next.SequenceEqual(current))
            {
                _table = new CertificateTable(next, _options.HostName);
            }

            WarnOfExpiry(next);
        }
    }

    public void Dispose() => _meter.Dispose();

    private void RenewSelfSigned()
    {
        if (_selfSigned is null || _table.Certificates[0].NotAfter - _time.GetUtcNow() > _options.ExpiryWarning)
        {
            return;
        }

        try
        {
            _selfSigned.Ensure();
        }
        catch (Exception e)
        {
            LogKept(_selfSigned.File.Path, e.Message);
        }
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

    private double DaysLeft() => (_table.Certificates.Min(c => c.NotAfter) - _time.GetUtcNow()).TotalDays;

    [LoggerMessage(Level = LogLevel.Warning, Message = "No TLS certificate is configured: clients see a self-signed one for {HostName} ({Path})")]
    private partial void LogSelfSigned(string path, string hostName);

    [LoggerMessage(Level = LogLevel.Information, Message = "TLS certificate {Path} has changed and is in use now; it expires on {NotAfter}")]
    private partial void LogReplaced(string path, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "TLS certificate {Path} has changed and can't be used, the former one stays: {Why}")]
    private partial void LogKept(string path, string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "TLS certificate {Path} expires on {NotAfter}, in {Days} days")]
    private partial void LogExpires(string path, DateTimeOffset notAfter, int days);
}
