using MailGrains.Gateways;
using MailGrains.Host.Configuration;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailGrains.Host.Startup;

/// <summary>
/// What comes before anything else stops: connections are still taken for the time of notice, then the listeners close, and sessions and requests end. Those
/// that do not are cut off, so that the silo, which is next, always has its time. A second signal skips all waiting.
/// </summary>
internal sealed partial class OrderlyStop(
    Drain drain, DrainSettings settings, SessionSlots sessions, IServer server, StopSignals signals, TimeProvider time, ILogger<OrderlyStop> logger)
    : IHostedLifecycleService
{
    private bool _wasReady;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // Nobody was sent to a process that never was ready.
        if (_wasReady && settings.Notice > TimeSpan.Zero)
        {
            LogNotice(settings.Notice);
            await Task.Delay(settings.Notice, time, signals.Second).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        LogEnding(sessions.Taken, settings.SessionTime);
        using var late = new CancellationTokenSource(settings.SessionTime, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(late.Token, signals.Second, cancellationToken);
        await using var cut = limit.Token.Register(() =>
        {
            LogCutOff(sessions.Taken);
            drain.Cut();
        });
        drain.Begin();

        // The web host would do the same later on, with the time that is the silo's.
        await server.StopAsync(limit.Token);
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _wasReady = !drain.IsAnnounced;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(1, LogLevel.Information, "Stopping: not ready any more, connections are taken for another {Notice}.")]
    private partial void LogNotice(TimeSpan notice);

    [LoggerMessage(2, LogLevel.Information, "Stopping: no connection is taken any more, {Sessions} sessions have {Time} to end.")]
    private partial void LogEnding(int sessions, TimeSpan time);

    [LoggerMessage(3, LogLevel.Warning, "Stopping: {Sessions} sessions have not ended and are cut off.")]
    private partial void LogCutOff(int sessions);
}
