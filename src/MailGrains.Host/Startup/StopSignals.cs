using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace MailGrains.Host.Startup;

/// <summary>
/// SIGTERM, SIGINT (Ctrl+C) and SIGQUIT from the first moment of the process on, which as the first process of a container would else never hear them before
/// its host is built. The first one asks it to stop, the second one to hurry. As the host's lifetime it does nothing: a console's would break off a start, and a
/// silo that has half started can't leave its cluster.
/// </summary>
internal sealed class StopSignals : IHostLifetime, IDisposable
{
    private static readonly PosixSignal[] Kinds = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations = [.. Kinds.Select(kind => PosixSignalRegistration.Create(kind, Take))];

    public CancellationToken First => _first.Token;

    public CancellationToken Second => _second.Token;

    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }

        _first.Dispose();
        _second.Dispose();
    }

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = true;
        (_first.IsCancellationRequested ? _second : _first).Cancel();
    }
}
