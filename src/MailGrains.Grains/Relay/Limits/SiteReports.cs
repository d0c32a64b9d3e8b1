using MailGrains.Contracts.Relay;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>How connections went since the last ask.</summary>
internal sealed class SiteReports
{
    private int _successes;
    private int _failures;
    private string? _lastFailure;
    private ConnectionPermit? _probe;
    private ProbeState _probeState;

    /// <summary>Nothing that the grain should hear soon; a success is worth no call.</summary>
    public bool IsEmpty => _failures == 0 && _probeState is ProbeState.None;

    /// <summary>One that no ask has taken along yet.</summary>
    public bool HasFailure => _failures > 0 || _probeState == ProbeState.Failed;

    public void ProbeStarts(ConnectionPermit permit) => (_probe, _probeState) = (permit, ProbeState.Running);

    public void Add(ConnectionPermit permit, string? failure)
    {
        _lastFailure = failure ?? _lastFailure;
        if (permit == _probe)
        {
            (_probe, _probeState) = (null, failure is null ? ProbeState.Succeeded : ProbeState.Failed);
        }
        else if (failure is null)
        {
            _successes++;
        }
        else
        {
            _failures++;
        }
    }

    /// <summary>A probe that ends without a word was none.</summary>
    public void Ended(ConnectionPermit permit)
    {
        if (permit == _probe)
        {
            (_probe, _probeState) = (null, ProbeState.None);
        }
    }

    /// <summary>What an ask takes along is not told again: where it is lost, the next connection says the same.</summary>
    public LeaseAsk AddTo(LeaseAsk ask)
    {
        ask = ask with { Successes = _successes, Failures = _failures, LastFailure = Bounded(_lastFailure), Probe = _probeState };
        (_successes, _failures, _lastFailure) = (0, 0, null);
        _probeState = _probe is null ? ProbeState.None : ProbeState.Running;
        return ask;
    }

    private static string? Bounded(string? failure) =>
        failure?.Length > LeaseAsk.MaxFailureLength ? failure[..LeaseAsk.MaxFailureLength] : failure;
}
