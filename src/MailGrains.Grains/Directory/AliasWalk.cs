using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Follows the targets that an alias is to get, as the directory stands, to see whether they lead back to it. Later changes elsewhere can
/// still close a circle; the resolver of the gateway refuses it then.
/// </summary>
internal sealed class AliasWalk(IGrainFactory grains, AddressName alias)
{
    public const int MaxDepth = 10;
    public const int MaxAddresses = 1_000;

    /// <summary>Why an alias must not have these targets, or null.</summary>
    public async ValueTask<string?> ViolationAsync(IReadOnlyList<string> targets, CancellationToken cancellationToken)
    {
        var visited = new HashSet<AddressName>();
        var level = targets;
        for (var depth = 1; level.Count > 0; depth++)
        {
            var next = new List<Task<IReadOnlyList<string>>>();
            foreach (var target in level)
            {
                if (!AddressName.TryParse(target, out var address) || !visited.Add(address))
                {
                    continue;
                }

                if (await IsAliasAsync(address, cancellationToken))
                {
                    return depth == 1 ? "The alias is a target of its own." : "A target leads back to the alias.";
                }

                next.Add(TargetsOfAsync(address, cancellationToken));
            }

            if (depth > MaxDepth || visited.Count > MaxAddresses)
            {
                return $"The targets lead on over more than {MaxDepth} steps or {MaxAddresses} addresses.";
            }

            level = [.. (await Task.WhenAll(next)).SelectMany(targets => targets)];
        }

        return null;
    }

    /// <summary>
    /// Where mail to the address is sent on to. Postmaster is looked at by its record and the domain's settings only: where the tenant has no
    /// mailbox yet there is no answer, and aliases are made all the same.
    /// </summary>
    private async Task<IReadOnlyList<string>> TargetsOfAsync(AddressName address, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IAddressGrain>(address.ToString());
        if (address.Localpart != AddressGrain.Postmaster)
        {
            return (await grain.ResolveAsync(cancellationToken)).Targets;
        }

        if (await grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) is not { } domain)
        {
            return [];
        }

        return await grain.FindAsync(true, cancellationToken) is { } record && record.DomainId == domain.Id
            ? record.Targets
            : new[] { domain.Settings.Postmaster, domain.Settings.CatchAll }.OfType<string>().Where(target => target != address.ToString()).ToList();
    }

    /// <summary>Whether the address is the alias, or a subaddress of it that has no record of its own.</summary>
    private async ValueTask<bool> IsAliasAsync(AddressName address, CancellationToken cancellationToken)
    {
        if (address == alias)
        {
            return true;
        }

        return address.Domain == alias.Domain && address.Localpart.StartsWith(alias.Localpart + "+", StringComparison.Ordinal) &&
            alias.Localpart.Length == address.Localpart.IndexOf('+', StringComparison.Ordinal) &&
            await grains.GetGrain<IAddressGrain>(address.ToString()).FindAsync(true, cancellationToken) is null;
    }
}
