using MailGrains.Contracts.Directory;
using MailGrains.Gateways;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MailGrains.Host.Startup;

/// <summary>
/// Ready: not about to stop, and a name that nobody has can be looked up, which takes a silo of the role grains and a read of the store.
/// </summary>
internal sealed class Readiness(IGrainFactory grains, Drain drain) : IHealthCheck
{
    public const string Name = "directory";

    // RFC 2606: no such domain will ever be.
    private const string NobodysDomain = "ready.invalid";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (drain.IsAnnounced)
        {
            return HealthCheckResult.Unhealthy("The process is about to stop.");
        }

        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        try
        {
            await grains.GetGrain<IDomainGrain>(NobodysDomain).FindAsync(limited.Token).AsTask().WaitAsync(limited.Token);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The directory can't be asked now.", e);
        }
    }
}
