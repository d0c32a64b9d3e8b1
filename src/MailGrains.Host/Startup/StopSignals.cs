using System.Runtime.InteropServices;

namespace MailGrains.Host.Startup;

/// <summary>
/// SIGTERM, SIGINT (Ctrl+C) and SIGQUIT from the first moment of the process on, which as the first process of a container would else never hear them before
/// its host is built. The first one asks it to stop, the second one to hurry.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private static readonly PosixSignal[] Kinds = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT];

    private readonly CancellationTokenSource _first = new();
    private readonly CancellationTokenSource _second = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations = [.. Kinds.Select(kind => PosixSignalRegistration.Create(kind, Take))];

    public CancellationToken First => _first.Token;

    public CancellationToken Second => _second.Token;

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
