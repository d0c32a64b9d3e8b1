using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// Starts what waits for a backup-MX domain (ETRN, RFC 1985). Anybody may ask, since the mail goes where DNS says and nowhere else; so a domain is started
/// at most once a <see cref="Period"/> and process, however many ask, and nobody hears how much waits.
/// </summary>
public sealed class QueueStarts(IGrainFactory grains, QueueChoice queues, TimeProvider time)
{
    internal static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private const int MaxRemembered = 10_000;

    private readonly GrainKind<IDomainQueueGrain> _queues = new(grains);
    private readonly Dictionary<string, long> _started = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <exception cref="StoreUnavailableException">The directory, or a queue, can't be read now.</exception>
    public async ValueTask<SmtpReply> StartAsync(EtrnNode node, CancellationToken cancellationToken)
    {
        if (node.Scope == EtrnScope.Queue || !AddressName.TryNormalizeDomain(node.Name, out var domain) ||
            await queues.FindDomainAsync(domain, cancellationToken) is not { Settings.BackupMx: true } record)
        {
            return EtrnReplies.CannotQueue458(node);
        }

        if (!TryTake(domain))
        {
            return EtrnReplies.Started250(node);
        }

        var waiting = 0;
        foreach (var queue in await queues.AllOfAsync(record.Tenant, domain, cancellationToken))
        {
            waiting += await _queues.Of(queue.ToString()).WakeAsync(cancellationToken);
        }

        return waiting > 0 ? EtrnReplies.PendingStarted252(node) : EtrnReplies.NothingWaits251(node);
    }

    private bool TryTake(string domain)
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            if (_started.TryGetValue(domain, out var before) && time.GetElapsedTime(before, now) < Period)
            {
                return false;
            }

            if (_started.Count >= MaxRemembered)
            {
                _started.Clear();
            }

            _started[domain] = now;
            return true;
        }
    }
}
