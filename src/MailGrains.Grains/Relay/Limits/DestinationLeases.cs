using System.Collections.Concurrent;
using MailGrains.Contracts;
using MailGrains.Contracts.Relay;
using MailGrains.Contracts.Text;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// One silo's connections to other servers, as the limits of the whole cluster allow them: each connection needs a <see cref="ConnectionPermit"/>. Sites that
/// are neither used nor wanted take no memory and no timer.
/// </summary>
public sealed partial class DestinationLeases
{
    private readonly ConcurrentDictionary<DestinationKey, SitePermits> _sites = new();
    private readonly SiteLink _link;
    private int _isClosed;
    private int _turn;

    /// <param name="siloName">For operators.</param>
    public DestinationLeases(IGrainFactory grains, DestinationOptions options, TimeProvider time, ILogger<DestinationLeases> logger, string siloName)
        : this(new GrainKind<IDestinationGrain>(grains), options, time, logger, siloName)
    {
    }

    private DestinationLeases(
        GrainKind<IDestinationGrain> destinations, DestinationOptions options, TimeProvider time, ILogger<DestinationLeases> logger, string siloName)
        : this((key, ask) => destinations.Of(key).RenewAsync(ask, CancellationToken.None), options, time, logger, siloName)
    {
    }

    internal DestinationLeases(
        Func<string, LeaseAsk, ValueTask<LeaseReply>> renew, DestinationOptions options, TimeProvider time, ILogger<DestinationLeases> logger,
        string siloName) => _link = new SiteLink(
            options, time, siloName, renew, (e, key) => LogNoAnswer(logger, e, new LogText(key.ToString())), (key, site) => _sites.TryRemove(new(key, site)));

    /// <summary>Sites that are used or wanted now.</summary>
    public int Sites => _sites.Count;

    /// <summary>
    /// Gets the right to one connection, or hears until when there is none. Waits while all connections are in use, for
    /// <see cref="DestinationOptions.MaxWait"/> at the most; in a back-off it answers at once.
    /// </summary>
    /// <param name="site">As of <see cref="DestinationKey"/>.</param>
    /// <param name="tenant">Whose mail it is for: it may have source addresses of its own.</param>
    /// <param name="isUrgent">An operator wants it tried now: goes before others, and through the back-off as its probe.</param>
    /// <exception cref="OperationCanceledException">The caller gave up; it holds nothing.</exception>
    public async ValueTask<PermitResult> AcquireAsync(string site, string? tenant, bool isUrgent, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var sources = _link.Options.SourcesOf(site, tenant);
        if (sources.Length <= 1)
        {
            return await AcquireAsync(new DestinationKey(site, sources.Length == 0 ? null : sources[0]), isUrgent, cancellationToken);
        }

        // Where there is room, then where the fewest wait; by turns where they are alike.
        var start = (uint)Interlocked.Increment(ref _turn);
        var keys = Enumerable.Range(0, sources.Length).Select(i => new DestinationKey(site, sources[(int)((start + i) % sources.Length)]));
        PermitResult? soonest = null;
        var loads = keys.Select(key => (Key: key, Load: LoadOf(key))).ToArray();
        foreach (var (key, _) in loads.OrderByDescending(one => one.Load.IsFree).ThenBy(one => one.Load.Waiting))
        {
            var result = await AcquireAsync(key, isUrgent, cancellationToken);
            if (result.Permit is not null)
            {
                return result;
            }

            soonest = soonest is { } other && other.NotBefore <= result.NotBefore ? other : result;
        }

        return soonest!.Value;
    }

    /// <summary>
    /// Gives everything back, when the silo stops: after its connections are closed (those that are not are told by <see cref="ConnectionPermit.Ended"/>), and while the
    /// cluster can still be called. Nothing is to be had afterwards.
    /// </summary>
    public async Task ReleaseAllAsync()
    {
        Volatile.Write(ref _isClosed, 1);
        await Parallel.ForEachAsync(
            _sites.Values, new ParallelOptions { MaxDegreeOfParallelism = 16 }, static async (site, _) => await site.CloseAsync());
    }

    private async ValueTask<PermitResult> AcquireAsync(DestinationKey key, bool isUrgent, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Volatile.Read(ref _isClosed) != 0)
            {
                return _link.NotYet(_link.Options.RenewEvery, "shutting down");
            }

            if (!_sites.TryGetValue(key, out var site))
            {
                if (_sites.Count >= _link.Options.MaxSites)
                {
                    return _link.NotYet(_link.Options.RenewEvery, "too many sites are in use");
                }

                site = _sites.GetOrAdd(key, static (key, link) => new SitePermits(key, link), _link);
            }

            // One that was closed meanwhile has left the list, or is about to.
            if (site.Acquire(isUrgent, cancellationToken) is { } result)
            {
                return await result;
            }

            await Task.Yield();
        }
    }

    private (bool IsFree, int Waiting) LoadOf(DestinationKey key) => _sites.TryGetValue(key, out var site) ? site.Load() : (false, 0);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The limits of site {Site} can't be asked for, and maybe others; connections in use are closed when their lease is over")]
    private static partial void LogNoAnswer(ILogger logger, Exception e, LogText site);
}

/// <summary>What all sites of a silo share: the clock, the way to the grain, the list that they leave when they are closed.</summary>
internal sealed class SiteLink(
    DestinationOptions options, TimeProvider time, string siloName, Func<string, LeaseAsk, ValueTask<LeaseReply>> renew,
    Action<Exception, DestinationKey> onNoAnswer, Action<DestinationKey, SitePermits> onClosed)
{
    private static readonly TimeSpan QuietAfterWarning = TimeSpan.FromSeconds(10);

    private readonly long _start = time.GetTimestamp();
    private long _quietUntil;

    public DestinationOptions Options => options;

    public TimeProvider Time => time;

    public Guid Silo { get; } = Guid.NewGuid();

    public string SiloName => siloName;

    public TimeSpan Now => time.GetElapsedTime(_start);

    /// <returns>Null: no answer.</returns>
    public async Task<LeaseReply?> RenewAsync(DestinationKey key, LeaseAsk ask)
    {
        try
        {
            return await renew(key.ToString(), ask);
        }
        catch (Exception e)
        {
            var quietUntil = Interlocked.Read(ref _quietUntil);
            if (Now.Ticks >= quietUntil && Interlocked.CompareExchange(ref _quietUntil, (Now + QuietAfterWarning).Ticks, quietUntil) == quietUntil)
            {
                onNoAnswer(e, key);
            }

            return null;
        }
    }

    public PermitResult NotYet(TimeSpan wait, string reason) => new(null, time.GetUtcNow() + wait, reason);

    public void Forget(DestinationKey key, SitePermits site) => onClosed(key, site);
}
