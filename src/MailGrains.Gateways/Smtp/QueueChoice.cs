using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage;

namespace MailGrains.Gateways.Smtp;

/// <summary>Which queue takes a recipient's copy, and whose mail it is.</summary>
public sealed class QueueChoice(IGrainFactory grains, QueueAccounts accounts, GatewayOptions options)
{
    private readonly GrainKind<IDomainGrain> _domains = new(grains);

    /// <param name="domain">A-labels in lower case, or an address literal as <see cref="DomainOf"/> has it.</param>
    /// <param name="recipient">The forward-path that names the shard.</param>
    /// <exception cref="StoreUnavailableException">Where the tenant's queues lie can't be told now.</exception>
    public async ValueTask<QueueId> OfAsync(
        string tenant, string domain, ReversePath reversePath, string recipient, CancellationToken cancellationToken) =>
        new(tenant, await AccountOfAsync(tenant, cancellationToken), domain, ShardOf(reversePath.Text, recipient));

    /// <summary>All queues of a tenant's mail for a domain.</summary>
    /// <inheritdoc cref="OfAsync" path="/exception"/>
    public async ValueTask<IReadOnlyList<QueueId>> AllOfAsync(string tenant, string domain, CancellationToken cancellationToken)
    {
        var account = await AccountOfAsync(tenant, cancellationToken);
        return [.. Enumerable.Range(0, options.QueueShards).Select(shard => new QueueId(tenant, account, domain, shard))];
    }

    /// <summary>The domain's record, or null where it is not hosted here.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public ValueTask<DomainRecord?> FindDomainAsync(string domain, CancellationToken cancellationToken) => _domains.Of(domain).FindAsync(cancellationToken);

    /// <summary>The tenant in whose name a client may send to other servers; null: it may not.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<string?> TenantOfAsync(Transaction transaction, CancellationToken cancellationToken)
    {
        if (transaction is { MayRelay: true, RelayTenant: null })
        {
            // An application server that nobody has logged in on: whose mail it is, its sender's address says.
            var owner = transaction.ReversePath.Mailbox is { } sender && AddressName.TryNormalizeDomain(sender.Domain, out var domain)
                ? await _domains.Of(domain).FindAsync(cancellationToken)
                : null;
            transaction.RelayTenant = owner?.Tenant ?? options.RelayTenant;
        }

        return transaction.MayRelay ? transaction.RelayTenant : null;
    }

    /// <summary>The domain of a mailbox at another server in the form that is a key: A-labels, or an address literal (RFC 5321 §4.1.3); null for others.</summary>
    public static string? DomainOf(Mailbox mailbox) => QueueId.TryNormalizeDomain(mailbox.Domain, out var domain) ? domain : null;

    private async ValueTask<int> AccountOfAsync(string tenant, CancellationToken cancellationToken)
    {
        try
        {
            return await accounts.OfAsync(tenant, cancellationToken);
        }
        catch (StoreException e)
        {
            throw new StoreUnavailableException(e.Message);
        }
    }

    // Of what is known before the content has come, since a large body's blob names its holders when it begins.
    private int ShardOf(string reversePath, string recipient) =>
        options.QueueShards == 1 ? 0 : (int)(DeliveryId.Of(reversePath, recipient, []).Low % (uint)options.QueueShards);
}
