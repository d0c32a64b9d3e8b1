using MailGrains.Contracts;
using MailGrains.Contracts.Relay;
using MailGrains.Contracts.Text;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// Keeps one site's leases and back-off in memory (<see cref="DestinationSite"/>), and its place as the one activation that counts in the store
/// (<see cref="SiteFence"/>). It takes that place at the first ask; stays longer than the longest back-off, so that one is not forgotten by resting.
/// </summary>
[CollectionAgeLimit(Minutes = 20)]
public sealed partial class DestinationGrain : Grain, IDestinationGrain
{
    private const int MaxLooks = 2;

    private readonly DestinationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DestinationLimits _limits;
    private readonly string _key;
    private readonly Guid _epoch = Guid.NewGuid();
    private readonly SiteFence _fence;
    private readonly long _start;
    private DestinationSite? _site;
    private TimeSpan _confirmed;
    private bool _isReplaced;
    private bool _hasLeft;

    public DestinationGrain(
        StorageAccounts accounts, DestinationOptions options, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time,
        ILogger<DestinationGrain> logger)
    {
        (_options, _time, _logger, _start) = (options, time, logger, time.GetTimestamp());
        _key = this.GetPrimaryKeyString();
        _limits = options.LimitsOf(DestinationKey.Parse(_key).Site);
        _fence = new SiteFence(accounts, _key, _epoch, options.Lease);
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // From here on nothing is leased.
        _hasLeft = true;
        if (_site is not { } site || _isReplaced || site.IsTakingOver(Now))
        {
            return;
        }

        if (!site.IsLeasing(Now))
        {
            await _fence.ReleaseAsync(cancellationToken);
        }
        else if (site.Leave(Now).Write() is { } left)
        {
            await _fence.LeaveAsync(left, cancellationToken);
        }
    }

    public async ValueTask<LeaseReply> RenewAsync(LeaseAsk ask, CancellationToken cancellationToken)
    {
        if (_isReplaced)
        {
            return Replaced();
        }

        var site = _site ??= await TakeOverAsync(cancellationToken);
        for (var attempt = 1; Now - _confirmed > DestinationSite.Confirmation; attempt++)
        {
            // A look that took too long says nothing.
            if (attempt > MaxLooks)
            {
                throw new StoreUnavailableException("The store takes too long.");
            }

            if (!await ConfirmAsync(cancellationToken))
            {
                return Replaced();
            }
        }

        if (_hasLeft)
        {
            return new LeaseReply(LeaseStatus.Replaced, _epoch);
        }

        var before = site.Condition;
        var reply = site.Renew(ask, _confirmed, Now, _time.GetUtcNow());
        if (site.Condition == DestinationCondition.BackOff && before != DestinationCondition.BackOff)
        {
            LogBackOff(new LogText(_key), new LogText(site.LastFailure ?? ""));
        }

        // Before the first of them is sent: who takes over must know.
        return reply.Messages > 0 && !await _fence.StoreAsync(site.Budget!.Store(), cancellationToken) ? Replaced() : reply;
    }

    public ValueTask<DestinationState> GetStateAsync(CancellationToken cancellationToken) =>
        new((_site ?? Site(TimeSpan.Zero)).Describe(_key, Now, _time.GetUtcNow()));

    private async ValueTask<DestinationSite> TakeOverAsync(CancellationToken cancellationToken)
    {
        var begun = Now;
        var found = await _fence.TakeOverAsync(cancellationToken);
        var left = SiteHandover.TryRead(found.Left);
        var site = Site(left is null ? DestinationSite.TakenOverAt(Now, found.OldLease) : TimeSpan.Zero);
        if (left is not null)
        {
            site.Restore(left, Now);
        }

        site.Budget?.Restore(found.Sent, _time.GetUtcNow());
        _confirmed = begun;
        return site;
    }

    /// <summary>Looks whether another activation has taken over.</summary>
    private async ValueTask<bool> ConfirmAsync(CancellationToken cancellationToken)
    {
        var begun = Now;
        if (!await _fence.IsInForceAsync(cancellationToken))
        {
            return false;
        }

        _confirmed = begun;
        return true;
    }

    private LeaseReply Replaced()
    {
        if (!_isReplaced)
        {
            _isReplaced = true;
            LogReplaced(new LogText(_key));
        }

        DeactivateOnIdle();
        return new LeaseReply(LeaseStatus.Replaced, _epoch);
    }

    private DestinationSite Site(TimeSpan takenOverAt) => new(_limits, _options, _epoch, takenOverAt, Random.Shared);

    [LoggerMessage(Level = LogLevel.Information, Message = "Site {Site} failed and is left alone for a while: {Failure}")]
    private partial void LogBackOff(LogText site, LogText failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Another activation keeps the limits of site {Site}; this one ends")]
    private partial void LogReplaced(LogText site);
}
