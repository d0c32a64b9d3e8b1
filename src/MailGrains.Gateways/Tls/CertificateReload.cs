using Microsoft.Extensions.Hosting;

namespace MailGrains.Gateways.Tls;

/// <summary>Looks at the certificates' files from time to time: notifications of changes miss the symbolic links by which Kubernetes replaces them.</summary>
public sealed class CertificateReload(CertificateStore store, TlsOptions options, TimeProvider time) : IHostedService, IDisposable
{
    private ITimer? _timer;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => store.Refresh(), null, options.PollPeriod, options.PollPeriod);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();
}
