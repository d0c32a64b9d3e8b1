using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Tls;

/// <summary>
/// Sees to the certificates before the first connection, and from time to time: notifications of changed files miss the symbolic links by which
/// Kubernetes replaces them.
/// </summary>
public sealed partial class CertificateReload(CertificateStore store, TlsOptions options, TimeProvider time, ILogger<CertificateReload> logger)
    : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private ITimer? _timer;
    private int _looking;
    private bool _saidFailed;

    /// <exception cref="Storage.StoreException">There is no certificate yet, and the store can't be asked now.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.RefreshAsync(cancellationToken);
        _timer = time.CreateTimer(_ => _ = LookAsync(), null, options.PollPeriod, options.PollPeriod);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        _timer?.Dispose();
    }

    public void Dispose()
    {
        _timer?.Dispose();
        _stopping.Dispose();
    }

    // One look at a time: the store may be slow.
    private async Task LookAsync()
    {
        if (Interlocked.Exchange(ref _looking, 1) == 1)
        {
            return;
        }

        try
        {
            await store.RefreshAsync(_stopping.Token);
            _saidFailed = false;
        }
        catch (Exception e)
        {
            // Whatever it is, the former certificates are good, and the next look comes.
            if (!_stopping.IsCancellationRequested && !_saidFailed)
            {
                LogFailed(e.Message);
                _saidFailed = true;
            }
        }
        finally
        {
            Volatile.Write(ref _looking, 0);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The TLS certificates can't be looked at now: {Why}")]
    private partial void LogFailed(string why);
}
