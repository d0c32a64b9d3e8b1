using MailGrains.Contracts.Directory;
using MailGrains.Gateways;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace MailGrains.Host.Startup;

/// <summary>
/// Serving: connections are taken, and a name that nobody has can be looked up, which takes a silo of the role grains and a read of the store. Ready: serving,
/// and not about to stop. A balancer that asks us follows the second. What takes a process out by itself when it stops it, as Kubernetes does, follows the first:
/// it would drop what still comes during the notice if it were told the same twice.
/// </summary>
internal sealed class Readiness(IGrainFactory grains, Drain drain) : IHealthCheck
{
    private const string ServingName = "directory";
    private const string ReadyName = "not stopping";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    // RFC 2606: no such domain will ever be. Each process asks for another, so that a silo that does not answer makes few of them doubt.
    private readonly string _nobodysDomain = $"{Guid.NewGuid():N}.ready.invalid";

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<Readiness>();
        services.AddHealthChecks()
            .Add(new HealthCheckRegistration(ServingName, static provider => provider.GetRequiredService<Readiness>(), null, null))
            .Add(new HealthCheckRegistration(ReadyName, static provider => new Leaving(provider.GetRequiredService<Drain>()), null, null));
    }

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapHealthChecks("/health/serving", new HealthCheckOptions { Predicate = static check => check.Name == ServingName });
        app.MapHealthChecks("/health/ready", new HealthCheckOptions { Predicate = static check => check.Name is ServingName or ReadyName });
    }

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (drain.Ending.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The process stops.");
        }

        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(Limit);
        try
        {
            await grains.GetGrain<IDomainGrain>(_nobodysDomain).FindAsync(limited.Token).AsTask().WaitAsync(limited.Token);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy("The directory can't be asked now.", e);
        }
    }

    private sealed class Leaving(Drain drain) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(drain.IsAnnounced ? HealthCheckResult.Unhealthy("The process is about to stop.") : HealthCheckResult.Healthy());
    }
}
