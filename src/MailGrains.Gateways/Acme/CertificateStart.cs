using MailGrains.Contracts.Certificates;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Acme;

/// <summary>Sees to it that the grain runs, once the silo does; where that fails it is tried again, and nothing waits for it.</summary>
public sealed partial class CertificateStart(IGrainFactory grains, AcmeOptions options, TimeProvider time, ILogger<CertificateStart> logger)
    : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(options.StartAfter, time, stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await grains.GetGrain<ICertificateGrain>(0).StartAsync(stoppingToken);
                return;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Its silo may have gone in the middle of the call.
                return;
            }
            catch (Exception e)
            {
                LogFailed(e);
                await Task.Delay(RetryAfter, time, stoppingToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The orders of certificates could not be started; it is tried again in a minute")]
    private partial void LogFailed(Exception e);
}
