using System.Collections.Concurrent;
using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;

namespace MailGrains.Gateways.Tests;

/// <summary>What gateways put into queues, in memory; a queue can be made to refuse.</summary>
internal sealed class RecordedQueues
{
    private readonly ConcurrentQueue<(QueueId Queue, QueuedMessage Message)> _messages = new();
    private readonly ConcurrentDictionary<QueueId, int> _wakes = new();
    private readonly ConcurrentDictionary<string, EnqueueStatus> _failing = new(StringComparer.Ordinal);

    /// <summary>The messages of a tenant's queues, in the order in which they came.</summary>
    public IReadOnlyList<(QueueId Queue, QueuedMessage Message)> Of(TestTenant tenant) => [.. _messages.Where(m => m.Queue.Tenant == tenant.Name)];

    /// <summary>From now on queues of the domain answer so; "*": all of the tenant's.</summary>
    public void Fail(TestTenant tenant, EnqueueStatus status, string domain = "*") => _failing[$"{tenant.Name}/{domain}"] = status;

    public void Heal(TestTenant tenant)
    {
        foreach (var key in _failing.Keys.Where(k => k.StartsWith(tenant.Name + "/", StringComparison.Ordinal)))
        {
            _failing.TryRemove(key, out _);
        }
    }

    /// <summary>What queues do with a message that they have just kept, before they answer.</summary>
    public Func<QueueId, QueuedMessage, Task>? WhenKept { get; set; }

    /// <summary>How often a queue was woken.</summary>
    public int WakesOf(QueueId queue) => _wakes.GetValueOrDefault(queue);

    public int Wake(QueueId queue)
    {
        _wakes.AddOrUpdate(queue, 1, (_, count) => count + 1);
        return _messages.Count(m => m.Queue == queue);
    }

    public EnqueueResult Enqueue(QueueId queue, QueuedMessage message)
    {
        if (_failing.TryGetValue($"{queue.Tenant}/{queue.Domain}", out var status) || _failing.TryGetValue($"{queue.Tenant}/*", out status))
        {
            return status == EnqueueStatus.Unavailable ? throw new InvalidOperationException("A queue with a defect.") : EnqueueResult.Of(status);
        }

        var earlier = _messages.Where(m => m.Queue == queue).Select(m => m.Message).FirstOrDefault(
            m => message.Recipients.All(r => !r.DeliveryId.IsNone && m.Recipients.Any(known => known.DeliveryId == r.DeliveryId)));
        if (earlier is not null)
        {
            return new EnqueueResult(EnqueueStatus.Repeated, earlier.Body.Blob);
        }

        _messages.Enqueue((queue, message));
        return EnqueueResult.Of(EnqueueStatus.Queued);
    }
}

/// <summary>A queue that keeps what it gets in <see cref="RecordedQueues"/>.</summary>
internal sealed class RecordedQueueGrain(RecordedQueues queues) : Grain, IDomainQueueGrain
{
    public async ValueTask<EnqueueResult> EnqueueAsync(QueuedMessage message, CancellationToken cancellationToken)
    {
        var id = QueueId.Parse(this.GetPrimaryKeyString());
        var result = queues.Enqueue(id, message);
        if (result.Status == EnqueueStatus.Queued && queues.WhenKept is { } then)
        {
            await then(id, message);
        }

        return result;
    }

    public ValueTask<bool> ClaimAsync(EmailId email, int attempt, SiloAddress sender, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask ReportAsync(ImmutableArray<RelayReport> reports, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueOverview> GetOverviewAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueuePage> ListAsync(EmailId? after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<int> OrderAsync(QueueOrder order, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<int> WakeAsync(CancellationToken cancellationToken) => new(queues.Wake(QueueId.Parse(this.GetPrimaryKeyString())));
}
