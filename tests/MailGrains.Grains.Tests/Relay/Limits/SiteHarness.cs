using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Limits;

namespace MailGrains.Grains.Tests.Relay.Limits;

/// <summary>One activation of a site whose silos' asks arrive at once, and its clock.</summary>
internal sealed class SiteHarness
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<string, (Guid Id, long Number)> _silos = [];

    public SiteHarness(DestinationLimits? limits = null, DestinationOptions? options = null, TimeSpan? oldLease = null)
    {
        Options = options ?? new DestinationOptions { Jitter = 0 };
        Site = new DestinationSite(limits ?? new DestinationLimits(), Options, Epoch, DestinationSite.TakenOverAt(Now, oldLease), new Random(1));
    }

    public DestinationOptions Options { get; }

    public DestinationSite Site { get; }

    public Guid Epoch { get; } = Guid.NewGuid();

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(100);

    /// <summary>When the epoch was last read; null: just now.</summary>
    public TimeSpan? Confirmed { get; set; }

    public DestinationState State => Site.Describe("mx.example.com", Now, Start + Now);

    public void Pass(double seconds) => Now += TimeSpan.FromSeconds(seconds);

    /// <summary>A silo asks, with all that it holds in use.</summary>
    public LeaseReply Ask(string silo, int held, int wanted, Func<LeaseAsk, LeaseAsk>? also = null)
    {
        var (id, number) = _silos.TryGetValue(silo, out var known) ? known : (Guid.NewGuid(), 0);
        _silos[silo] = (id, number + 1);
        var ask = new LeaseAsk(id, silo, number + 1, Epoch, held, held, wanted);
        return Site.Renew(also?.Invoke(ask) ?? ask, Confirmed ?? Now, Now, Start + Now);
    }

    /// <summary>What the activation leaves, as the next one reads it.</summary>
    public SiteHandover Leave() => SiteHandover.TryRead(Site.Leave(Now).Write())!;

    public LeaseReply Fail(string silo, int held, int failures = 1, string failure = "connection refused") =>
        Ask(silo, held, held, ask => ask with { Failures = failures, LastFailure = failure });

    public LeaseReply Probed(string silo, int held, ProbeState probe, int wanted = 1) =>
        Ask(silo, held, wanted, ask => ask with { Probe = probe, LastFailure = probe == ProbeState.Failed ? "timed out" : null });
}
