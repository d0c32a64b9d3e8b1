using MailGrains.Contracts.Upkeep;
using MailGrains.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Upkeep;

/// <summary>Sees to it that each account has its upkeep, once the silo runs; where that fails it is tried again, and nothing waits for it.</summary>
public sealed partial class UpkeepStart(IGrainFactory grains, StorageAccounts accounts, TimeProvider time, ILogger<UpkeepStart> logger)
    : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var account = 0; account < accounts.Count;)
        {
            try
            {
                await grains.GetGrain<IUpkeepGrain>(account).StartAsync(stoppingToken);
                account++;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // Its silo may have gone in the middle of the call.
                return;
            }
            catch (Exception e)
            {
                LogFailed(e, account);
                await Task.Delay(RetryAfter, time, stoppingToken);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The upkeep of account {Account} could not be started; it is tried again in a minute.")]
    private partial void LogFailed(Exception e, int account);
}
