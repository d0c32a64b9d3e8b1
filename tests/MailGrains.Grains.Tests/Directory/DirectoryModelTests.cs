using CsCheck;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>
/// Two tenants that want the same domains and names, in every order, with faults between the steps: what the directory says is what a model of
/// a few lines says, whatever had to be repeated.
/// </summary>
[Collection(SharedDirectory.Name)]
public sealed class DirectoryModelTests(DirectoryCluster cluster)
{
    private const string Elsewhere = "ann@elsewhere.test";

    private static readonly Gen<(Change Change, int Tenant, int Domain, int Name, int Fault)> Step = Gen.Select(
        Gen.Enum<Change>(), Gen.Int[0, 1], Gen.Int[0, 1], Gen.Int[0, 1], Gen.Int[0, 8]);

    private enum Change
    {
        PutDomain,
        DeleteDomain,
        PutMailbox,
        DeleteMailbox,
        PutAlias,
        DeleteAlias,
    }

    [Fact]
    public Task DirectoryIsWhatItsModelIs() => Step.List[10, 40].SampleAsync(
        async steps =>
        {
            var model = new Model(cluster, [await cluster.NewTenantAsync(), await cluster.NewTenantAsync()]);
            foreach (var (change, tenant, domain, name, fault) in steps)
            {
                await model.ChangeAsync(change, tenant, domain, name, fault);
                await model.CompareAsync();
            }
        },
        iter: 20,
        threads: 1);

    [Fact]
    public async Task OfTwoTenantsThatWantADomainAtOnceOneGetsIt()
    {
        for (var round = 0; round < 20; round++)
        {
            var tenants = new[] { await cluster.NewTenantAsync(), await cluster.NewTenantAsync() };
            var domain = $"wanted-{tenants[0].Domain}";

            var outcomes = await Task.WhenAll(tenants.Select(tenant => tenant.PutDomainAsync(domain)));

            Assert.Equal([PutStatus.Created, PutStatus.Taken], outcomes.Select(outcome => outcome.Status).Order());
            var winner = Array.FindIndex(outcomes, outcome => outcome.Status == PutStatus.Created);
            Assert.Equal(tenants[winner].Name, (await cluster.Grains.GetGrain<IDomainGrain>(domain).FindAsync(TestContext.Current.CancellationToken))!.Tenant);
            Assert.NotNull(await tenants[winner].Grain.FindDomainAsync(domain, TestContext.Current.CancellationToken));
            Assert.Null(await tenants[1 - winner].Grain.FindDomainAsync(domain, TestContext.Current.CancellationToken));
        }
    }

    private sealed class Model(DirectoryCluster cluster, TestTenant[] tenants)
    {
        private readonly string[] _domains = [$"one-{tenants[0].Domain}", $"two-{tenants[0].Domain}"];
        private readonly int?[] _owners = [null, null];
        private readonly Dictionary<(int Domain, int Name), MailboxId?> _addresses = [];
        private readonly HashSet<MailboxId> _deleted = [];

        public async Task ChangeAsync(Change change, int tenant, int domain, int name, int fault)
        {
            var (owns, key) = (_owners[domain] == tenant, (domain, name));
            var known = _addresses.TryGetValue(key, out var mailbox);
            var (isMailbox, isAlias) = (owns && known && mailbox is not null, owns && known && mailbox is null);
            var done = await DoAsync(() => AskAsync(change, tenants[tenant], _domains[domain], Address(domain, name)), fault);
            switch (change)
            {
                case Change.PutDomain:
                    Assert.Equal(_owners[domain] is null || owns, done);
                    _owners[domain] ??= tenant;
                    break;
                case Change.DeleteDomain:
                    Assert.Equal(owns && !_addresses.Keys.Any(address => address.Domain == domain), done);
                    _owners[domain] = done ? null : _owners[domain];
                    break;
                case Change.PutMailbox:
                    Assert.Equal(owns && !isAlias, done);
                    await PutAsync(done, tenant, key, mailbox);
                    break;
                case Change.PutAlias:
                    Assert.Equal(owns && !isMailbox, done);
                    if (done)
                    {
                        _addresses[key] = null;
                    }

                    break;
                default:
                    Assert.Equal(change == Change.DeleteMailbox ? isMailbox : isAlias, done);
                    if (done && _addresses.Remove(key, out var gone) && gone is { } id)
                    {
                        _deleted.Add(id);
                    }

                    break;
            }
        }

        public async Task CompareAsync()
        {
            for (var domain = 0; domain < 2; domain++)
            {
                var record = await cluster.Grains.GetGrain<IDomainGrain>(_domains[domain]).FindAsync(default);
                Assert.Equal(_owners[domain] is { } owner ? tenants[owner].Name : null, record?.Tenant);
                for (var name = 0; name < 2; name++)
                {
                    var known = _addresses.TryGetValue((domain, name), out var mailbox);
                    var resolution = await tenants[0].ResolveAsync(Address(domain, name));
                    Assert.Equal(
                        (record, known, mailbox) switch
                        {
                            (null, _, _) => AddressKind.NotLocal,
                            (_, false, _) => AddressKind.NoSuchUser,
                            (_, _, null) => AddressKind.Alias,
                            _ => AddressKind.Mailbox,
                        },
                        resolution.Kind);
                    Assert.Equal(mailbox ?? default, resolution.Mailbox);
                }
            }

            foreach (var id in _deleted)
            {
                Assert.Null(await cluster.Grains.GetGrain<IMailboxGrain>(id.ToString()).GetOverviewAsync(default));
            }
        }

        private static async Task<bool> AskAsync(Change change, TestTenant tenant, string domain, string address) => change switch
        {
            Change.PutDomain => IsDone(await tenant.PutDomainAsync(domain)),
            Change.DeleteDomain => await tenant.Grain.DeleteDomainAsync(domain, default) == DeleteOutcome.Deleted,
            Change.PutMailbox => IsDone(await tenant.PutMailboxAsync(address, password: null)),
            Change.DeleteMailbox => await tenant.DeleteMailboxAsync(address) == DeleteOutcome.Deleted,
            Change.PutAlias => IsDone(await tenant.PutAliasAsync(address, Elsewhere)),
            _ => await tenant.Grain.DeleteAliasAsync(tenant.Address(address), default) == DeleteOutcome.Deleted,
        };

        private static bool IsDone(PutOutcome outcome) => outcome.Status is PutStatus.Created or PutStatus.Changed;

        /// <summary>A mailbox keeps its id; a new one has one that nobody had, and belongs to the tenant.</summary>
        private async Task PutAsync(bool done, int tenant, (int Domain, int Name) key, MailboxId? before)
        {
            if (done)
            {
                var id = (await tenants[tenant].FindMailboxAsync(Address(key.Domain, key.Name)))!.Mailbox;
                Assert.Equal(before ?? id, id);
                Assert.DoesNotContain(id, _deleted);
                Assert.Equal(tenants[tenant].Name, id.Tenant);
                _addresses[key] = id;
            }
        }

        private string Address(int domain, int name) => $"{(name == 0 ? "bob" : "carol")}@{_domains[domain]}";

        /// <summary>Does it, the commit of that number failing; then again, as a caller does. Done is what either of the two has done.</summary>
        private async Task<bool> DoAsync(Func<Task<bool>> change, int fault)
        {
            var commits = 0;
            CommitFault[] faults = [CommitFault.Unavailable, CommitFault.LostBefore, CommitFault.LostAfter];
            cluster.Tables.WhenCommitting = (_, _) => ++commits == fault ? faults[fault % faults.Length] : null;
            try
            {
                return await change();
            }
            catch (StoreUnavailableException)
            {
                cluster.Tables.Heal();
                var again = await change();

                // Only a deletion whose last reply was lost is done and yet finds nothing the second time.
                return again || fault % faults.Length == 2;
            }
            finally
            {
                cluster.Tables.Heal();
            }
        }
    }
}
