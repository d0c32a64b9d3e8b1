using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Storage;

namespace MailGrains.Grains.Notices;

/// <summary>A queue that is to carry a report, and to whom.</summary>
/// <param name="Local">The mailbox here that it is for; null: another server's.</param>
internal readonly record struct NoticeTarget(string Tenant, string Domain, string ForwardPath, LocalTarget? Local);

/// <summary>Where reports go: to mailboxes and to other servers alike by a queue, which tries again where one can't be reached.</summary>
internal sealed class NoticeTargets(IGrainFactory grains, QueueAccounts accounts)
{
    private readonly RecipientResolver _resolver = new(grains);
    private readonly GrainKind<IDomainGrain> _domains = new(grains);
    private readonly GrainKind<ITenantGrain> _tenants = new(grains);

    /// <summary>All that an address leads to; nothing where nobody has it.</summary>
    /// <param name="tenant">Whose queue takes what goes to other servers.</param>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<IReadOnlyList<NoticeTarget>> FindAsync(string address, string tenant, CancellationToken cancellationToken)
    {
        if (!AddressName.TryParse(address, out var name))
        {
            // An address literal (RFC 5321 §4.1.3) is nobody's domain.
            return address.LastIndexOf('@') is > 0 and var at && QueueId.TryNormalizeDomain(address[(at + 1)..], out var literal)
                ? [new NoticeTarget(tenant, literal, address, null)]
                : [];
        }

        var resolution = await _resolver.ResolveAsync(name, cancellationToken);
        return
            [
                .. resolution.Targets.Select(local => new NoticeTarget(local.Mailbox.Tenant, name.Domain, address, local)),
                .. resolution.Remotes.Select(remote => new NoticeTarget(remote.Tenant ?? tenant, remote.Domain, remote.Member ?? address, null)),
            ];
    }

    /// <exception cref="StoreException">The directory can't be read now.</exception>
    public async ValueTask<QueueId> QueueOfAsync(NoticeTarget target, int shard, CancellationToken cancellationToken) =>
        new(target.Tenant, await accounts.OfAsync(target.Tenant, cancellationToken), target.Domain, shard);

    /// <summary>The domain of an address, where it is the tenant's; else null.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<string?> OwnDomainOfAsync(string? address, string tenant, CancellationToken cancellationToken) =>
        address is not null && AddressName.TryParse(address, out var name) &&
        await _domains.Of(name.Domain).FindAsync(cancellationToken) is { } record && record.Tenant == tenant
            ? name.Domain
            : null;

    /// <summary>Who hears of the tenant's mail that nobody else is told of; null: nobody.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<string?> PostmasterOfAsync(string tenant, CancellationToken cancellationToken) =>
        (await _tenants.Of(tenant).FindAsync(cancellationToken))?.Settings.Postmaster;
}
