using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// Follows an address to the mailboxes, and to the addresses at other servers, that it means. Each step is one address grain's; lists are followed
/// here, since only the whole way shows a loop. Within the result each stands once, however many ways lead to it.
/// </summary>
public sealed class RecipientResolver(IGrainFactory grains)
{
    private readonly GrainKind<IAddressGrain> _addresses = new(grains);

    public const int MaxDepth = 10;
    public const int MaxAddresses = 1_000;

    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
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
            AddressKind.NotLocal => Resolution.Elsewhere(address.Domain, null),
            AddressKind.BackupMx => Resolution.Elsewhere(address.Domain, first.Tenant),
            _ => Resolution.Of(ResolutionOutcome.NoSuchUser),
        };
    }

    // Its mail goes to a mailbox of the tenant, of whatever domain, where no mailbox has this name.
    private static bool IsPostmaster(AddressName address) => address.Localpart.StartsWith("postmaster", StringComparison.Ordinal);

    private async ValueTask<Resolution> FollowAsync(AddressName address, AddressResolution list, CancellationToken cancellationToken)
    {
        var walk = new Walk(address);
        walk.Enter(list);
        for (var depth = 0; walk.Level.Count > 0; depth++)
        {
            if (depth == MaxDepth || walk.Addresses > MaxAddresses)
            {
                return Resolution.Of(ResolutionOutcome.TooLarge);
            }

            var members = walk.Level.ToArray();
            var steps = members.Select(member => _addresses.Of(member.Name.ToString()).ResolveAsync(cancellationToken).AsTask()).ToArray();
            walk.Level.Clear();
            for (var i = 0; i < steps.Length; i++)
            {
                walk.Take(members[i], await steps[i]);
            }
        }

        return walk.Result();
    }

    /// <param name="Text">As the alias has it.</param>
    /// <param name="Tenant">Of the alias.</param>
    private readonly record struct Member(AddressName Name, string Text, string Detail, string? Tenant);

    private sealed class Walk(AddressName start)
    {
        private readonly HashSet<AddressName> _visited = [start];
        private readonly Dictionary<MailboxId, LocalTarget> _targets = [];
        private readonly List<RemoteTarget> _remotes = [];
        private bool _looped;

        public List<Member> Level { get; } = [];

        public int Addresses => _visited.Count;

        public void Enter(AddressResolution alias)
        {
            foreach (var target in alias.Targets)
            {
                if (!AddressName.TryParse(target, out var name))
                {
                    continue;
                }

                if (_visited.Add(name))
                {
                    Level.Add(new Member(name, target, alias.Detail, alias.Tenant));
                }
                else
                {
                    _looped = true;
                }
            }
        }

        public void Take(Member member, AddressResolution step)
        {
            switch (step.Kind)
            {
                case AddressKind.Mailbox:
                    _targets.TryAdd(step.Mailbox, new LocalTarget(step.Mailbox, step.Detail.Length > 0 ? step.Detail : member.Detail));
                    break;
                case AddressKind.Alias:
                    Enter(step);
                    break;
                case AddressKind.NotLocal or AddressKind.BackupMx:
                    _remotes.Add(new RemoteTarget(step.Tenant ?? member.Tenant, member.Name.Domain, member.Text));
                    break;
                default:
                    // A member that was deleted does not keep the others from their copy.
                    break;
            }
        }

        public Resolution Result() => _targets.Count + _remotes.Count > 0
            ? new Resolution(ResolutionOutcome.Resolved, [.. _targets.Values]) { Remotes = _remotes }
            : Resolution.Of(_looped ? ResolutionOutcome.Loop : ResolutionOutcome.NoSuchUser);
    }
}
