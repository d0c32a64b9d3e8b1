using MailGrains.Contracts.Directory;
using MailGrains.Grains.Directory;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>What failed logins lead to, for whom, and how it is forgiven; and the secrets that a user makes himself.</summary>
public sealed class LockoutTests(LockoutDirectory directory) : IClassFixture<LockoutDirectory>
{
    private static readonly LoginAttempt Owner = new(AccessScope.Imap, "198.51.100.1");
    private static readonly LoginAttempt Stranger = new(AccessScope.Imap, "203.0.113.9");

    private readonly FakeTimeProvider _time = directory.Time;
    private readonly DirectoryCluster _cluster = directory.Cluster;

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FailuresDelayThenLockAndTimeForgives()
    {
        var account = (await _cluster.NewTenantAsync("bob")).Account("bob");
        double[] delays = [0, 0, 0.5, 1, 2, 4, 8, 8, 8, 8];
        foreach (var delay in delays)
        {
            Assert.Equal(
                LoginOutcome.Refuse(LoginStatus.BadCredentials, TimeSpan.FromSeconds(delay)), await account.LogInAsync("wrong", Stranger, None));
        }

        // The right secret is not told from a wrong one, whatever way it comes.
        var locked = LoginOutcome.Refuse(LoginStatus.Locked, TimeSpan.FromSeconds(8), _time.GetUtcNow().AddMinutes(15));
        Assert.Equal(locked, await account.LogInAsync("wrong", Stranger, None));
        Assert.Equal(locked, await account.LogInAsync(TestTenant.Password, Stranger, None));
        Assert.Equal(locked, (await ScramClient.LogInAsync(account, ScramDigest.Sha256, TestTenant.Password, [1], Stranger)).Login);
        Assert.Equal(locked, (await account.ChangePasswordAsync(TestTenant.Password, "a new password", Stranger, None)).Login);
        Assert.Equal(LoginStatus.Accepted, (await account.ConfirmTokenAsync(Owner, None)).Status);
        var until = locked.LockedUntil!.Value;
        var state = await account.GetLockoutAsync(None);
        Assert.Equal((10, locked.LockedUntil, Stranger.Peer), (state.Failures, state.LockedUntil, state.LastPeer));
        Assert.Equal(
            $"10 logins to this account failed within 15 minutes, the last from 203.0.113.9; locked until {until:u}.", state.Reason);

        _time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(new LockoutState(0, null, null, null), await account.GetLockoutAsync(None));

        // A second lock-out is twice as long.
        await FailAsync(account, 10);
        Assert.Equal(_time.GetUtcNow().AddMinutes(30), (await account.GetLockoutAsync(None)).LockedUntil);

        await account.LiftLockoutAsync(None);
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync(TestTenant.Password, Stranger, None)).Status);
    }

    [Fact]
    public async Task StrangersDoNotLockOutWhoHasLoggedInBefore()
    {
        var tenant = await _cluster.NewTenantAsync("bob");
        var account = tenant.Account("bob");
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync(TestTenant.Password, Owner, None)).Status);
        await FailAsync(account, 10);

        // Nor is it forgotten with the activation.
        await account.GetLockoutAsync(None);
        await _cluster.DeactivateAsync(account);
        Assert.Equal(LoginStatus.Locked, (await account.LogInAsync(TestTenant.Password, Stranger, None)).Status);
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync(TestTenant.Password, Owner, None)).Status);

        // The owner's own failures count.
        for (var i = 0; i < 10; i++)
        {
            await account.LogInAsync("wrong", Owner, None);
        }

        Assert.Equal(LoginStatus.Locked, (await account.LogInAsync(TestTenant.Password, Owner, None)).Status);
    }

    [Fact]
    public async Task NameWithoutAccountIsDelayedAndLockedLikeOneAndWritesNothing()
    {
        var tenant = await _cluster.NewTenantAsync("bob");
        var commits = _cluster.Tables.Commits;
        foreach (var _ in Enumerable.Range(0, 10))
        {
            await tenant.Account("nobody").LogInAsync("wrong", Stranger, None);
            await _cluster.DeactivateAsync(tenant.Account("nobody"));
        }

        Assert.Equal(LoginStatus.Locked, (await tenant.Account("nobody").LogInAsync("wrong", Stranger, None)).Status);
        Assert.Equal(commits, _cluster.Tables.Commits);
    }

    [Fact]
    public async Task ManyGuessesAtOnceGetNoMoreAnswersThanOneAfterTheOther()
    {
        var account = (await _cluster.NewTenantAsync("bob")).Account("bob");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => account.LogInAsync($"guess {i}", Stranger, None).AsTask()));

        Assert.Equal(10, outcomes.Count(o => o.Status == LoginStatus.BadCredentials));
        Assert.Equal(20, outcomes.Count(o => o.Status == LoginStatus.Locked));
    }

    [Fact]
    public async Task AddressIsLockedAfterAHundredFailures()
    {
        var source = _cluster.Grains.GetGrain<ILoginSourceGrain>("2001:db8::/64");
        for (var i = 0; i < 99; i++)
        {
            await source.RecordFailureAsync(None);
        }

        Assert.Null(await source.LockedUntilAsync(None));
        await source.RecordFailureAsync(None);
        Assert.Equal(_time.GetUtcNow().AddMinutes(15), await source.LockedUntilAsync(None));
        Assert.Contains("2001:db8::/64", (await source.GetStateAsync(None)).Reason, StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromMinutes(15));
        Assert.Null(await source.LockedUntilAsync(None));
    }

    [Fact]
    public async Task AppPasswordOpensWhatItIsForUntilItExpiresOrIsRevoked()
    {
        var tenant = await _cluster.NewTenantAsync("bob");
        var account = tenant.Account("bob");
        var made = await account.MakeAppPasswordAsync(" pho\u0007ne ", AccessScope.Imap | AccessScope.Smtp, _time.GetUtcNow().AddDays(2), None);
        var id = made.Password!.Id;
        Assert.Equal("phone", made.Password.Label);
        Assert.Matches("^([A-Z2-7]{4}-){6}[A-Z2-7]{2}$", made.Secret);

        Assert.Equal(id, (await account.LogInAsync(made.Secret!, Owner, None)).Account!.AppPassword);
        Assert.Equal(id, (await account.LogInAsync(made.Secret!.Replace('-', ' ').ToLowerInvariant(), Owner, None)).Account!.AppPassword);
        Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync(made.Secret!, Owner with { Scope = AccessScope.Pop3 }, None)).Status);
        Assert.Equal(LoginStatus.BadCredentials, (await account.ChangePasswordAsync(made.Secret!, "a new password", Owner, None)).Login.Status);
        Assert.Equal(DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime), Assert.Single((await account.ListAppPasswordsAsync(None)).Passwords).LastUsed);

        // It outlives a change of the password, its own and the tenant's.
        Assert.True((await account.ChangePasswordAsync(TestTenant.Password, "a new password", Owner, None)).IsChanged);
        await tenant.PutMailboxAsync("bob", "the tenant's word");
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync(made.Secret!, Owner, None)).Status);
        _time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync(made.Secret!, Owner, None)).Status);

        var other = await account.MakeAppPasswordAsync("tablet", AccessScope.All, null, None);
        Assert.True(await account.RevokeAppPasswordAsync(other.Password!.Id, None));
        Assert.False(await account.RevokeAppPasswordAsync(other.Password.Id, None));
        Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync(other.Secret!, Owner, None)).Status);

        await tenant.DeleteMailboxAsync("bob");
        await tenant.PutMailboxAsync("bob");
        Assert.Empty((await account.ListAppPasswordsAsync(None)).Passwords);
    }

    [Fact]
    public async Task AppPasswordsThatCantBeAreRefused()
    {
        var tenant = await _cluster.NewTenantAsync("bob");
        var account = tenant.Account("bob");
        Assert.NotNull((await account.MakeAppPasswordAsync("\u0007", AccessScope.All, null, None)).Refusal);
        Assert.NotNull((await account.MakeAppPasswordAsync(new string('x', 101), AccessScope.All, null, None)).Refusal);
        Assert.NotNull((await account.MakeAppPasswordAsync("x", AccessScope.None, null, None)).Refusal);
        Assert.NotNull((await account.MakeAppPasswordAsync("x", AccessScope.All, _time.GetUtcNow(), None)).Refusal);
        Assert.NotNull((await tenant.Account("nobody").MakeAppPasswordAsync("x", AccessScope.All, null, None)).Refusal);
        for (var i = 0; i < AppPassword.MaxPerAccount; i++)
        {
            Assert.Null((await account.MakeAppPasswordAsync(new string('x', AppPassword.MaxLabelChars), AccessScope.All, null, None)).Refusal);
        }

        Assert.NotNull((await account.MakeAppPasswordAsync("x", AccessScope.All, null, None)).Refusal);
    }

    [Fact]
    public async Task NeitherTheUsersNorTheTenantsChangeIsLost()
    {
        var tenant = await _cluster.NewTenantAsync("bob");
        var account = tenant.Account("bob");

        // The user's, then a PUT that says nothing of the password.
        Assert.True((await account.ChangePasswordAsync(TestTenant.Password, "a new password", Owner, None)).IsChanged);
        await tenant.PutMailboxAsync("bob", password: null, account: new AccountSettings(false, [$"sales@{tenant.Domain}"], null));
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync("a new password", Owner, None)).Status);
        Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync(TestTenant.Password, Owner, None)).Status);

        // The PUT first.
        Assert.True((await account.ChangePasswordAsync("a new password", "a third password", Owner, None)).IsChanged);
        Assert.Equal([$"sales@{tenant.Domain}"], (await account.GetSenderRightsAsync(None))!.SendAs);

        // A tenant's password that comes while the user changes it wins.
        var cell = new DirectoryCell<StoredAccount>(
            new DirectoryTable(_cluster.Accounts), "account:" + tenant.Name, tenant.Address("bob").ToString(), StoredJson.Readable.StoredAccount);
        var before = (await cell.ReadAsync(None))!.Value;
        await tenant.PutMailboxAsync("bob", "the tenant's word");
        using var checks = new PasswordChecks(new PasswordOptions { Iterations = PasswordOptions.MinIterations }, _cluster.Meters);
        var secrets = new AccountSecrets(cell, checks, _time);
        Assert.NotNull(await secrets.ChangePasswordAsync(before, tenant.Address("bob").ToString(), "the user's word", None));
        Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync("the tenant's word", Owner, None)).Status);

        Assert.NotNull((await account.ChangePasswordAsync("the tenant's word", "short", Owner, None)).Refusal);
    }

    [Fact]
    public async Task ThousandLoginsOfOneAccountCostOneDerivationOrNone()
    {
        var account = (await _cluster.NewTenantAsync("bob")).Account("bob");
        var before = Rounds;
        var parameters = await account.BeginScramAsync(ScramDigest.Sha256, None);
        var proof = ScramClient.Proof(ScramDigest.Sha256, TestTenant.Password, parameters, [1]);

        var plain = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 1_000; i++)
        {
            Assert.Equal(LoginStatus.Accepted, (await account.LogInAsync(TestTenant.Password, Owner, None)).Status);
        }

        plain.Stop();
        Assert.Equal(PasswordOptions.MinIterations, Rounds - before);
        var scram = System.Diagnostics.Stopwatch.StartNew();
        for (var i = 0; i < 1_000; i++)
        {
            await account.BeginScramAsync(ScramDigest.Sha256, None);
            Assert.Equal(LoginStatus.Accepted, (await account.FinishScramAsync(ScramDigest.Sha256, [1], proof, Owner, None)).Login.Status);
        }

        Assert.Equal(PasswordOptions.MinIterations, Rounds - before);
        TestContext.Current.TestOutputHelper!.WriteLine($"1,000 passwords {plain.ElapsedMilliseconds} ms, 1,000 proofs {scram.ElapsedMilliseconds} ms.");
    }

    private long Rounds => _cluster.Meters.Sum("mailgrains.password.rounds");

    private static async Task FailAsync(IAccountGrain account, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync("wrong", Stranger, None)).Status);
        }
    }
}

/// <summary>A directory of the class's own, whose grains go by a fake clock.</summary>
public sealed class LockoutDirectory : IAsyncLifetime
{
    public LockoutDirectory() => Cluster = new DirectoryCluster { Time = Time };

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public DirectoryCluster Cluster { get; }

    public ValueTask InitializeAsync() => Cluster.InitializeAsync();

    public ValueTask DisposeAsync() => Cluster.DisposeAsync();
}
