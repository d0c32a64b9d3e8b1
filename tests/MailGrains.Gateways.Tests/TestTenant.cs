using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes;
using MailGrains.Storage.Bodies;

namespace MailGrains.Gateways.Tests;

/// <summary>
/// A tenant of one test's own with a domain, made as the admin API makes it. At the end all that it stored is checked.
/// </summary>
internal sealed class TestTenant : IAsyncDisposable
{
    public const string Password = "open sesame";

    private readonly GatewayCluster _cluster;
    private readonly List<MailboxId> _mailboxes = [];

    private TestTenant(GatewayCluster cluster, string name) => (_cluster, Name) = (cluster, name);

    public string Name { get; }

    public string Domain => Name + ".test";

    /// <summary>The test leaves something for the sweeper: only losses count.</summary>
    public bool LeavesWorkForTheSweeper { get; set; }

    public ITenantGrain Grain => _cluster.Grains.GetGrain<ITenantGrain>(Name);

    public static async Task<TestTenant> CreateAsync(GatewayCluster cluster, params IReadOnlyList<string> localparts)
    {
        var tenant = new TestTenant(cluster, $"t{Guid.NewGuid():n}"[..20]);
        Assert.Equal(PutStatus.Created, (await tenant.Grain.PutAsync(new TenantSettings(null), default)).Status);
        await tenant.PutDomainAsync(tenant.Domain);
        foreach (var localpart in localparts)
        {
            await tenant.AddMailboxAsync(localpart);
        }

        return tenant;
    }

    public string Address(string localpart) => $"{localpart}@{Domain}";

    public async Task PutDomainAsync(string domain, string? catchAll = null, string? postmaster = null, bool backupMx = false)
    {
        var outcome = await Grain.PutDomainAsync(domain, new DomainSettings(catchAll, postmaster) { BackupMx = backupMx }, default);
        Assert.True(outcome.Status is PutStatus.Created or PutStatus.Changed, outcome.ToString());
    }

    /// <summary>A mailbox of the tenant's domain, or of another one when the name has an '@'.</summary>
    public async Task<MailboxId> AddMailboxAsync(string name, long quotaBytes = 0, string? password = Password)
    {
        var outcome = await Grain.PutMailboxAsync(Parse(name), new MailboxSettings(password, quotaBytes), default);
        Assert.Equal(PutStatus.Created, outcome.Status);
        var mailbox = await MailboxAsync(name);
        _mailboxes.Add(mailbox);
        return mailbox;
    }

    public async Task SetPasswordAsync(string name, string password) =>
        Assert.Equal(PutStatus.Changed, (await Grain.PutMailboxAsync(Parse(name), new MailboxSettings(password, null), default)).Status);

    public async Task SetQuotaAsync(string name, long bytes) =>
        Assert.Equal(PutStatus.Changed, (await Grain.PutMailboxAsync(Parse(name), new MailboxSettings(null, bytes), default)).Status);

    public async Task DeleteMailboxAsync(string name) => Assert.Equal(DeleteOutcome.Deleted, await Grain.DeleteMailboxAsync(Parse(name), default));

    public async Task<MailboxId> MailboxAsync(string name) => (await Grain.FindMailboxAsync(Parse(name), default))!.Mailbox;

    public async Task PutAliasAsync(string name, params IReadOnlyList<string> targets)
    {
        var outcome = await Grain.PutAliasAsync(Parse(name), [.. targets.Select(t => t.Contains('@', StringComparison.Ordinal) ? t : Address(t))], default);
        Assert.True(outcome.Status is PutStatus.Created or PutStatus.Changed, outcome.ToString());
    }

    /// <summary>How many messages the mailbox of that name has.</summary>
    public async Task<int> CountAsync(string name) => (await _cluster.ListAsync(await MailboxAsync(name)))!.Count;

    public async ValueTask DisposeAsync()
    {
        foreach (var mailbox in _mailboxes)
        {
            Assert.Empty(await MailboxCheck.CheckAsync(_cluster.Accounts, mailbox, default));
        }

        var findings = await BodyCheck.RunAsync(_cluster.Accounts, default);
        var counting = LeavesWorkForTheSweeper ? findings.Losses : findings.Losses.Concat(findings.Leftovers);
        Assert.DoesNotContain(counting, finding => finding.Contains(Name, StringComparison.Ordinal));
    }

    private AddressName Parse(string name) =>
        AddressName.TryParse(name.Contains('@', StringComparison.Ordinal) ? name : Address(name), out var address)
            ? address
            : throw new ArgumentException($"'{name}' is no address.", nameof(name));
}
