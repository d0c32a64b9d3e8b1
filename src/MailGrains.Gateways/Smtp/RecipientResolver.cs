using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Gateways.Smtp;

/// <summary>A local mailbox that a recipient leads to. <see cref="Detail"/>: the subaddress (RFC 5233), or empty.</summary>
public readonly record struct LocalTarget(MailboxId Mailbox, string Detail);

public enum ResolutionOutcome
{
    Resolved = 1,

    /// <summary>The domain is hosted here, the user is not known: 550 5.1.1.</summary>
    NoSuchUser = 2,

    /// <summary>Neither the domain nor every member of the list is hosted here: 550 5.7.1.</summary>
    NotLocal = 3,

    /// <summary>The list leads to itself alone: 550 5.4.6.</summary>
    Loop = 4,

    /// <summary>The list has more members, or is nested deeper, than is followed: 550 5.7.1 would be a lie, so 451 4.3.5.</summary>
    TooLarge = 5,
}

public sealed record Resolution(ResolutionOutcome Outcome, IReadOnlyList<LocalTarget> Targets)
{
    /// <summary>The address is one mailbox's own, not a name that leads to it, such as a list's, a catch-all's or postmaster's.</summary>
    public bool IsOwn { get; init; }

    public static Resolution Of(ResolutionOutcome outcome) => new(outcome, []);
}

/// <summary>
/// Follows an address to the mailboxes that it means. Each step is one address grain's; lists are followed here, since only the whole way
/// shows a loop. Within the result a mailbox stands once, however many ways lead to it.
/// </summary>
public sealed class RecipientResolver(IGrainFactory grains)
{
    private readonly GrainKind<IAddressGrain> _addresses = new(grains);

    public const int MaxDepth = 10;
    public const int MaxAddresses = 1_000;

    /// <exception cref="Contracts.StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<Resolution> ResolveAsync(AddressName address, CancellationToken cancellationToken)
    {
        var first = await _addresses.Of(address.ToString()).ResolveAsync(cancellationToken);
        return first.Kind switch
        {
            AddressKind.Mailbox => new Resolution(ResolutionOutcome.Resolved, [new LocalTarget(first.Mailbox, first.Detail)])
            {
                IsOwn = !IsPostmaster(address),
            },
            AddressKind.Alias => await FollowAsync(address, first, cancellationToken),
            AddressKind.NotLocal => Resolution.Of(ResolutionOutcome.NotLocal),
            _ => Resolution.Of(ResolutionOutcome.NoSuchUser),
        };
    }

    // Its mail goes to a mailbox of the tenant, of whatever domain, where no mailbox has this name.
    private static bool IsPostmaster(AddressName address) => address.Localpart.StartsWith("postmaster", StringComparison.Ordinal);

    private async ValueTask<Resolution> FollowAsync(AddressName address, AddressResolution list, CancellationToken cancellationToken)
    {
        var visited = new HashSet<string>(StringComparer.Ordinal) { address.ToString() };
        var targets = new Dictionary<MailboxId, LocalTarget>();
        var looped = false;
        var level = new List<(string Address, string Detail)>();
        Enqueue(list);
        for (var depth = 0; level.Count > 0; depth++)
        {
            if (depth == MaxDepth || visited.Count > MaxAddresses)
            {
                return Resolution.Of(ResolutionOutcome.TooLarge);
            }

            var steps = level.Select(member => StepAsync(member.Address, cancellationToken)).ToArray();
            var details = level.Select(member => member.Detail).ToArray();
            level.Clear();
            for (var i = 0; i < steps.Length; i++)
            {
                var step = await steps[i];
                switch (step.Kind)
                {
                    case AddressKind.Mailbox:
                        targets.TryAdd(step.Mailbox, new LocalTarget(step.Mailbox, step.Detail.Length > 0 ? step.Detail : details[i]));
                        break;
                    case AddressKind.Alias:
                        Enqueue(step);
                        break;
                    case AddressKind.NotLocal:
                        // Nothing here can hand a copy to another server, and a copy must not vanish.
                        return Resolution.Of(ResolutionOutcome.NotLocal);
                    default:
                        // A member that was deleted does not keep the others from their copy.
                        break;
                }
            }
        }

        return targets.Count > 0
            ? new Resolution(ResolutionOutcome.Resolved, [.. targets.Values])
            : Resolution.Of(looped ? ResolutionOutcome.Loop : ResolutionOutcome.NoSuchUser);

        void Enqueue(AddressResolution alias)
        {
            foreach (var target in alias.Targets)
            {
                if (!AddressName.TryParse(target, out var name))
                {
                    continue;
                }

                if (visited.Add(name.ToString()))
                {
                    level.Add((name.ToString(), alias.Detail));
                }
                else
                {
                    looped = true;
                }
            }
        }
    }

    private Task<AddressResolution> StepAsync(string address, CancellationToken cancellationToken) =>
        _addresses.Of(address).ResolveAsync(cancellationToken).AsTask();
}
