using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Gateways.Submissions;

/// <summary>
/// Says which addresses are a mailbox's own: those whose record, or that of the address without its subaddress, leads to it and nowhere else. What a
/// domain does with addresses that have no record, its catch-all or postmaster's mailbox, gives nobody a name. "No" is said only after the store was read.
/// </summary>
public sealed class OwnAddresses(IGrainFactory grains)
{
    /// <summary>Of aliases that lead to aliases; a longer way is nobody's.</summary>
    public const int MaxDepth = 10;

    /// <summary>That are looked at for one address; a larger list is no one mailbox's other name.</summary>
    public const int MaxAddresses = 50;

    private readonly GrainKind<IAddressGrain> _addresses = new(grains);
    private readonly GrainKind<IDomainGrain> _domains = new(grains);

    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<bool> OwnsAsync(MailboxId mailbox, AddressName address, CancellationToken cancellationToken) =>
        await LeadsHomeAsync(mailbox, address, confirm: false, cancellationToken) || await LeadsHomeAsync(mailbox, address, confirm: true, cancellationToken);

    /// <summary>Whether the address's domain is the tenant's now: what was granted of it ends when it moves to another.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<bool> IsOfTenantAsync(string tenant, AddressName address, CancellationToken cancellationToken) =>
        await _domains.Of(address.Domain).ConfirmAsync(cancellationToken) is { } domain && domain.Tenant == tenant;

    private async ValueTask<bool> LeadsHomeAsync(MailboxId mailbox, AddressName address, bool confirm, CancellationToken cancellationToken)
    {
        var seen = new HashSet<AddressName> { address };
        var level = new List<AddressName> { address };
        var arrives = false;
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth == MaxDepth || seen.Count > MaxAddresses)
            {
                return false;
            }

            var records = await Task.WhenAll(level.Select(name => FindAsync(name, confirm, cancellationToken)));
            level.Clear();
            foreach (var record in records)
            {
                if (record is { Kind: AddressKind.Mailbox } && record.Mailbox == mailbox)
                {
                    arrives = true;
                }
                else if (record is not { Kind: AddressKind.Alias } || !TryFollow(record, seen, level))
                {
                    return false;
                }
            }
        }

        return arrives;
    }

    private static bool TryFollow(AddressRecord alias, HashSet<AddressName> seen, List<AddressName> level)
    {
        foreach (var target in alias.Targets)
        {
            if (!AddressName.TryParse(target, out var name))
            {
                return false;
            }

            if (seen.Add(name))
            {
                level.Add(name);
            }
        }

        return true;
    }

    /// <summary>The record that counts for an address: its own, else that of the address without the subaddress (RFC 5233).</summary>
    private async Task<AddressRecord?> FindAsync(AddressName address, bool confirm, CancellationToken cancellationToken)
    {
        var domains = _domains.Of(address.Domain);
        if (await (confirm ? domains.ConfirmAsync(cancellationToken) : domains.FindAsync(cancellationToken)) is not { } domain)
        {
            return null;
        }

        var own = await _addresses.Of(address.ToString()).FindAsync(confirm, cancellationToken);
        if (own?.DomainId == domain.Id)
        {
            return own;
        }

        var plus = address.Localpart.IndexOf('+', StringComparison.Ordinal);
        if (plus <= 0)
        {
            return null;
        }

        var withoutDetail = address with { Localpart = address.Localpart[..plus] };
        var record = await _addresses.Of(withoutDetail.ToString()).FindAsync(confirm, cancellationToken);
        return record?.DomainId == domain.Id ? record : null;
    }
}
