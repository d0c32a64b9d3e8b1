using MailGrains.Contracts.Senders;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;

namespace MailGrains.Grains.Senders;

/// <summary>
/// Counts what one account or tenant sends. What is counted is in memory and is stored a moment later, all changes of that moment at once, and when
/// the activation ends: a message costs no write of its own, and a crash forgets what the last seconds had. Where the store fails, counting goes on
/// and the write is tried again. The state's name holds the key, since storage keys do not tell the grains <c>t/a_b</c> and <c>t/a/b</c> apart.
/// </summary>
public sealed partial class SenderGrain : Grain, ISenderGrain
{
    private readonly SenderOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IPersistentState<SentRecord> _stored;
    private readonly SendingLimits _default;
    private SentMail _sent = new();
    private IGrainTimer? _write;
    private bool _isChanged;
    private bool _isStale;

    public SenderGrain(
        IPersistentStateFactory states, SenderOptions options, [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, ILogger<SenderGrain> logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        var key = this.GetPrimaryKeyString();
        _default = key.Contains('/', StringComparison.Ordinal) ? options.Account : options.Tenant;
        _stored = states.Create<SentRecord>(GrainContext, new KeyedState("sent:" + TableKey.Encode(key)));
    }

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _sent = SentMail.Restore(_stored.State, _time.GetUtcNow());
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        _write?.Dispose();
        await WriteAsync(cancellationToken);
    }

    public ValueTask<SendGrant> TryTakeAsync(int recipients, SendingLimits? limits, CancellationToken cancellationToken)
    {
        var grant = _sent.TryTake(recipients, limits ?? _default, _time.GetUtcNow());
        if (grant.Allowed)
        {
            Changed();
        }

        return ValueTask.FromResult(grant);
    }

    public ValueTask GiveBackAsync(int recipients, CancellationToken cancellationToken)
    {
        _sent.GiveBack(recipients, _time.GetUtcNow());
        Changed();
        return ValueTask.CompletedTask;
    }

    public ValueTask<SendingUsage> GetUsageAsync(SendingLimits? limits, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_sent.Usage(limits ?? _default, _time.GetUtcNow()));

    private void Changed()
    {
        _isChanged = true;

        // Interleaved: nobody's message waits for this write.
        _write ??= this.RegisterGrainTimer(
            static (grain, cancellationToken) => grain.WriteInTimeAsync(cancellationToken),
            this,
            new GrainTimerCreationOptions(_options.WriteDelay, Timeout.InfiniteTimeSpan) { Interleave = true });
    }

    private async Task WriteInTimeAsync(CancellationToken cancellationToken)
    {
        await WriteAsync(cancellationToken);
        _write?.Dispose();
        _write = null;
        if (_isChanged && !_isStale)
        {
            Changed();
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        if (!_isChanged || _isStale)
        {
            return;
        }

        _isChanged = false;
        _stored.State = _sent.Store();
        try
        {
            await _stored.WriteStateAsync(cancellationToken);
        }
        catch (InconsistentStateException)
        {
            // Another activation, or a write of ours whose answer was lost: what is stored is at most seconds behind.
            _isStale = true;
            LogStale(this.GetPrimaryKeyString());
            DeactivateOnIdle();
        }
        catch (Exception e)
        {
            _isChanged = true;
            LogNotWritten(e, this.GetPrimaryKeyString());
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "What {Sender} has sent could not be stored; it is tried again")]
    private partial void LogNotWritten(Exception e, string sender);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What {Sender} has sent was stored elsewhere; it is read again")]
    private partial void LogStale(string sender);

    private sealed record KeyedState(string Name) : IPersistentStateConfiguration
    {
        public string StateName => Name;

        public string StorageName => "Default";
    }
}
