using System.Collections.Immutable;
using MailGrains.Contracts;
using MailGrains.Contracts.Certificates;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// Orders and renews certificates. A run is one look at all that may be due (<see cref="CertificateRun"/>); runs don't overlap, and a tick of the reminder only
/// starts one. Two activations at a time never write over each other: all writes are conditional, and whoever comes second leaves it.
/// </summary>
[Reentrant]
public sealed partial class CertificateGrain(
    CertificateParts parts, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, ILogger<CertificateGrain> logger)
    : Grain, ICertificateGrain, IRemindable, IDisposable
{
    private const string ReminderName = "certificates";

    private static readonly TimeSpan FirstDue = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _deactivating = new();
    private readonly HashSet<CertificateKey> _wanted = [];
    private readonly CertificateAlarms _alarms = new(parts.Options, time.GetUtcNow());
    private Task? _running;
    private bool _runsAgain;
    private bool _hasTold;
    private bool _isWalkWanted;
    private DomainWalk? _walk;
    private DateTimeOffset? _walked;

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _deactivating.CancelAsync();
        if (_running is { } running)
        {
            // What is under way is kept as it stands before the silo goes.
            await running.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        }
    }

    public void Dispose() => _deactivating.Dispose();

    public async ValueTask StartAsync(CancellationToken cancellationToken)
    {
        if (parts.Options.Directory is null)
        {
            return;
        }

        if (await this.GetReminder(ReminderName, cancellationToken) is null)
        {
            await this.RegisterOrUpdateReminder(ReminderName, FirstDue, parts.Options.RunPeriod, cancellationToken);
        }

        Run();
    }

    public async ValueTask<CertificatePage> ListAsync(string? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, CertificatePage.MaxLimit);
        var found = (await ReadAsync(cancellationToken))
            .Where(stored => after is null || string.CompareOrdinal(stored.Key.ToString(), after) > 0)
            .OrderBy(stored => stored.Key.ToString(), StringComparer.Ordinal).Take(limit + 1).Select(CertificateAlarms.StateOf).ToImmutableArray();
        return found.Length > limit ? new CertificatePage(found[..limit], found[limit - 1].Key) : new CertificatePage(found, null);
    }

    public async ValueTask<RenewOutcome> RenewAsync(string? name, CancellationToken cancellationToken)
    {
        if (parts.Options.Directory is null)
        {
            return RenewOutcome.Off;
        }

        if (name is not null)
        {
            var found = (await ReadAsync(cancellationToken)).Select(listed => listed.Stored).FirstOrDefault(stored => stored?.Record.Names.Contains(name) == true);
            if (found is null && !parts.Options.Names.Contains(name))
            {
                return RenewOutcome.NotFound;
            }

            if (found is not null && !RenewalSchedule.MayTry(found.Record, time.GetUtcNow()))
            {
                return RenewOutcome.TooOften;
            }

            _wanted.Add(found?.Key ?? new CertificateKey("", name));
        }

        _isWalkWanted |= name is null;
        Run();
        return RenewOutcome.Begun;
    }

    public async ValueTask<CertificateWatch> LookAsync(CancellationToken cancellationToken)
    {
        if (!_alarms.HasSeen)
        {
            Keep(await ReadAsync(cancellationToken));
        }

        return _alarms.Watch(time.GetUtcNow());
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (parts.Options.Directory is not null)
        {
            Run();
        }
        else if (await this.GetReminder(ReminderName) is { } left)
        {
            // It has been turned off since.
            await this.UnregisterReminder(left);
        }
    }

    private void Run()
    {
        if (_running is { IsCompleted: false })
        {
            _runsAgain = true;
        }
        else
        {
            _running = RunUntilDoneAsync();
        }
    }

    private async Task RunUntilDoneAsync()
    {
        do
        {
            _runsAgain = false;
            try
            {
                await RunOnceAsync(_deactivating.Token);
            }
            catch (Exception e)
            {
                if (!_deactivating.IsCancellationRequested)
                {
                    LogRunFailed(e);
                }
            }
        }
        while (_runsAgain && !_deactivating.IsCancellationRequested);
    }

    private async Task RunOnceAsync(CancellationToken cancellationToken)
    {
        // An activation before this one may have been lost between a change and its notice.
        if (!_hasTold)
        {
            await parts.Rows.TellAsync(null, cancellationToken);
            _hasTold = true;
        }

        var wanted = _wanted.ToHashSet();
        if (parts.Options.PublicAddresses.Count > 0 && (_isWalkWanted || (_walk is null && !(_walked + parts.Options.WalkPeriod > time.GetUtcNow()))))
        {
            _walk = new DomainWalk(GrainFactory, logger);
        }

        _isWalkWanted = false;
        using var run = new CertificateRun(parts, GrainFactory, time, logger, wanted);
        try
        {
            await run.RunAsync(_walk, cancellationToken);
        }
        finally
        {
            _hasTold &= !run.MustTellAll;
            _wanted.ExceptWith(wanted.Intersect(run.Settled));
            if (run.HasListed)
            {
                Keep(run.Seen);
            }
        }

        if (_walk is { IsComplete: true })
        {
            (_walk, _walked) = (null, time.GetUtcNow());
        }

        _isWalkWanted |= run.HasPutOff && _walk is null;
        _alarms.Succeeded(time.GetUtcNow());
    }

    private void Keep(IEnumerable<ListedCertificate> all)
    {
        foreach (var (key, _, why) in _alarms.Saw(all, time.GetUtcNow()))
        {
            LogUnreadable(key, why);
        }
    }

    private async Task<IReadOnlyCollection<ListedCertificate>> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await parts.Rows.ListAsync(cancellationToken).ToListAsync(cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    [LoggerMessage(21, LogLevel.Error, "Certificate {Key} can't be read; nothing is ordered for it, and its row stays as it is: {Why}")]
    private partial void LogUnreadable(CertificateKey key, string? why);

    [LoggerMessage(20, LogLevel.Warning, "The certificates could not be looked at; it is tried again in some minutes")]
    private partial void LogRunFailed(Exception e);
}
