using System.Collections.Frozen;

namespace MailGrains.Grains.Relay.Routing;

/// <summary>
/// All routes; immutable. A tenant's own go before those for all; then the longest match of the recipient's domain (the name itself, <c>*.x</c>, <c>*</c>), and
/// among those of one domain the one for the sender's domain.
/// </summary>
public sealed class RelayRoutes
{
    private readonly FrozenDictionary<(string? Tenant, string Domain), RelayRoute[]> _routes;

    /// <exception cref="ArgumentException">Two routes are for the same mail.</exception>
    public RelayRoutes(IEnumerable<RelayRoute> routes)
    {
        _routes = routes.GroupBy(route => (route.Tenant, route.Domain)).ToFrozenDictionary(
            group => group.Key,
            // Those for a sender's domain first.
            group => group.OrderBy(route => route.Sender is null).ToArray());
        if (_routes.Values.FirstOrDefault(same => same.DistinctBy(route => route.Sender).Count() < same.Length) is { } doubled)
        {
            throw new ArgumentException($"There are two routes for {doubled[0].Domain}.", nameof(routes));
        }
    }

    public static RelayRoutes None { get; } = new([]);

    /// <param name="domain">The recipient's, as A-labels in lower case, or an address literal.</param>
    /// <param name="senderDomain">Of the reverse-path; null: the null reverse-path.</param>
    /// <returns>Null: as DNS says.</returns>
    public RelayRoute? RouteOf(string tenant, string domain, string? senderDomain)
    {
        if (_routes.Count == 0)
        {
            return null;
        }

        return Longest(tenant, domain, senderDomain) ?? Longest(null, domain, senderDomain);
    }

    private RelayRoute? Longest(string? tenant, string domain, string? senderDomain)
    {
        if (Find(tenant, domain, senderDomain) is { } exact)
        {
            return exact;
        }

        for (var dot = domain.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = domain.IndexOf('.', dot + 1))
        {
            if (Find(tenant, string.Concat("*", domain.AsSpan(dot)), senderDomain) is { } above)
            {
                return above;
            }
        }

        return Find(tenant, "*", senderDomain);
    }

    private RelayRoute? Find(string? tenant, string domain, string? senderDomain)
    {
        if (_routes.TryGetValue((tenant, domain), out var routes))
        {
            foreach (var route in routes)
            {
                if (route.Sender is null || route.Sender == senderDomain)
                {
                    return route;
                }
            }
        }

        return null;
    }
}
