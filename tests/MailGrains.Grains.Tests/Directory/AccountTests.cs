using System.Security.Cryptography;
using System.Text.Json;
using MailGrains.Contracts.Directory;
using MailGrains.Grains.Directory;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>What is kept of passwords, and what a check costs.</summary>
[Collection(SharedDirectory.Name)]
public sealed class AccountTests(DirectoryCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task VerifiersOfBothHashesAreStoredAndNoPassword()
    {
        var tenant = await cluster.NewTenantAsync();
        await tenant.PutMailboxAsync("bob", "Ope\u0301n Sesame");
        await tenant.PutMailboxAsync("carol", "Ope\u0301n Sesame");

        var bob = await StoredAsync(tenant, "bob");
        var carol = await StoredAsync(tenant, "carol");

        foreach (var stored in new[] { bob, carol })
        {
            Assert.True(stored.Sha256!.Verify(HashAlgorithmName.SHA256, "Op\u00E9n Sesame"));
            Assert.True(stored.Sha1!.Verify(HashAlgorithmName.SHA1, "Op\u00E9n Sesame"));
            Assert.Equal((PasswordOptions.MinIterations, PasswordOptions.MinIterations), (stored.Sha256.Iterations, stored.Sha1.Iterations));
            Assert.NotEqual(stored.Sha256.Salt, stored.Sha1.Salt);
            Assert.DoesNotContain("Sesame", JsonSerializer.Serialize(stored), StringComparison.OrdinalIgnoreCase);
        }

        // Equal passwords do not look equal.
        Assert.NotEqual(bob.Sha256!.StoredKey, carol.Sha256!.StoredKey);
    }

    [Fact]
    public async Task PasswordCountsInEachFormThatItCanBeTypedIn()
    {
        var tenant = await cluster.NewTenantAsync();
        await tenant.PutMailboxAsync("bob", "Op\u00E9n Sesame");

        Assert.NotNull(await tenant.LogInAsync("bob", "Ope\u0301n\u00A0Sesame"));
        Assert.Null(await tenant.LogInAsync("bob", "Open Sesame"));
        Assert.Null(await tenant.LogInAsync("bob", "op\u00E9n sesame"));
        Assert.Null(await tenant.LogInAsync("bob", ""));
        Assert.Null(await tenant.LogInAsync("bob", "\u0007"));
        Assert.Null(await tenant.LogInAsync("bob", new string('x', 100_000)));
    }

    [Fact]
    public async Task WrongUserCostsWhatAWrongPasswordCosts()
    {
        var tenant = await cluster.NewTenantAsync("bob", "deleted");
        await tenant.PutMailboxAsync("locked", password: null);
        await tenant.DeleteMailboxAsync("deleted");
        var elsewhere = cluster.Grains.GetGrain<IAccountGrain>(AccountKey.OfNobody(tenant.Address("bob@elsewhere.test")));

        var wrongPassword = await CostAsync(tenant.Account("bob"), "wrong password");

        Assert.Equal(PasswordOptions.MinIterations, wrongPassword.Rounds);
        Assert.Equal(wrongPassword, await CostAsync(tenant.Account("nobody"), TestTenant.Password));
        Assert.Equal(wrongPassword, await CostAsync(tenant.Account("deleted"), TestTenant.Password));
        Assert.Equal(wrongPassword, await CostAsync(tenant.Account("locked"), TestTenant.Password));
        Assert.Equal(wrongPassword, await CostAsync(elsewhere, TestTenant.Password));

        // What is noted of logins is read with the first.
        Assert.Equal((wrongPassword.Rounds, wrongPassword.Reads - 1), await CostAsync(tenant.Account("bob"), "\u0007"));
        Assert.Equal(wrongPassword.Rounds, (await CostAsync(tenant.Account("nobody"), "\u0007")).Rounds);
    }

    [Fact]
    public async Task RightPasswordIsRememberedUntilTheRecordChanges()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        var account = tenant.Account("bob");

        Assert.Equal((PasswordOptions.MinIterations, 2), await CostAsync(account, TestTenant.Password));
        Assert.Equal((0, 1), await CostAsync(account, TestTenant.Password));
        Assert.Equal((PasswordOptions.MinIterations, 1), await CostAsync(account, "wrong password"));
        Assert.Equal((0, 1), await CostAsync(account, TestTenant.Password));

        await tenant.PutMailboxAsync("bob", "another password");
        Assert.Null(await tenant.LogInAsync("bob"));
        Assert.NotNull(await tenant.LogInAsync("bob", "another password"));
    }

    [Fact]
    public async Task PasswordStaysWhereAPutSaysNothingOfIt()
    {
        var tenant = await cluster.NewTenantAsync("bob");

        Assert.Equal(PutOutcome.Changed, await tenant.PutMailboxAsync("bob", password: null, quotaBytes: 5));

        Assert.NotNull(await tenant.LogInAsync("bob"));
    }

    [Theory]
    [InlineData("1234567")]
    [InlineData("robert-bob")]
    [InlineData("Robert-Bob@TENANT.test")]
    [InlineData("bell\u0007bell")]
    [InlineData("\u00AD\u00AD\u00AD\u00AD\u00AD\u00AD\u00AD\u00AD")]
    public async Task WeakPasswordIsRefusedAndMakesNothing(string password)
    {
        var tenant = await cluster.NewTenantAsync();

        var outcome = await tenant.PutMailboxAsync("robert-bob", password.Replace("TENANT", tenant.Name, StringComparison.Ordinal));

        Assert.Equal(PutStatus.Invalid, outcome.Status);
        Assert.Null(await tenant.FindMailboxAsync("robert-bob"));
    }

    private async Task<(long Rounds, long Reads)> CostAsync(IAccountGrain account, string password)
    {
        var (rounds, reads) = (Rounds, cluster.Tables.Reads);
        await account.LogInAsync(password, TestTenant.Attempt, None);
        return (Rounds - rounds, cluster.Tables.Reads - reads);
    }

    private long Rounds => cluster.Meters.Sum("mailgrains.password.rounds");

    private async Task<StoredAccount> StoredAsync(TestTenant tenant, string localpart) => (await new DirectoryTable(cluster.Accounts).ReadAsync(
        "account:" + TableKey.Encode(tenant.Name), TableKey.Encode(tenant.Address(localpart).ToString()), StoredJson.Readable.StoredAccount, None))!.Value;
}
