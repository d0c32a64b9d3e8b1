using MailGrains.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Destinations.Reports;

/// <summary>Writes what <see cref="TlsReports"/> has counted, now and then and at the end; where the store fails it is written the next time.</summary>
public sealed partial class TlsReportWriter(
    TlsReports reports, TlsReportTable table, DestinationOptions options, TimeProvider time, ILogger<TlsReportWriter> logger) : BackgroundService
{
    private DateOnly _cleaned;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAsync(cancellationToken);
    }

    /// <summary>Writes at once.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        var changed = reports.TakeChanged();
        try
        {
            await table.WriteAsync(changed, cancellationToken);
            reports.ForgetPast();
            var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
            if (_cleaned < today)
            {
                await table.DeleteBeforeAsync(today, cancellationToken);
                _cleaned = today;
            }
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            reports.PutBack(changed);
            LogNotWritten(e, changed.Count);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ReportPeriod, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await WriteAsync(stoppingToken);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Counts of TLS results for {Policies} domains could not be written; they are written the next time.")]
    private partial void LogNotWritten(Exception e, int policies);
}
