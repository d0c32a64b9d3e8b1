using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;
using MailGrains.Grains.Directory;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>What is set for a whole tenant.</summary>
[Collection(SharedDirectory.Name)]
public sealed class TenantSettingsTests(DirectoryCluster cluster)
{
    private static readonly TenantSettings Full = new("Acme")
    {
        OAuth = new OAuthIssuer("https://id.example.test/realms/a", "mail", "email", "https://id.example.test/keys"),
        Limits = new SendingLimits(0, 2, 3, int.MaxValue),
    };

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SettingsStayThroughOtherChangesUntilTheyAreReplaced()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        Assert.Equal(PutOutcome.Changed, await tenant.Grain.PutAsync(Full, None));
        await tenant.PutMailboxAsync("ann");
        await tenant.PutDomainAsync("more." + tenant.Domain);
        await tenant.DeleteMailboxAsync("bob");
        Assert.Equal(Full, (await tenant.Grain.FindAsync(None))!.Settings);

        await tenant.Grain.PutAsync(new TenantSettings("Acme"), None);
        Assert.Equal(new TenantSettings("Acme"), (await tenant.Grain.FindAsync(None))!.Settings);
    }

    [Fact]
    public async Task TenantThatWasStoredBeforeTheseSettingsIsRead()
    {
        var tenant = await cluster.NewTenantAsync();
        var (partition, row) = ("tenant:" + tenant.Name, TenantPartition.HeaderRow);
        var stored = (await cluster.ReadRowAsync(partition, row))!;
        var old = new Dictionary<string, TableValue>(stored.Properties) { ["v"] = """{"live":true,"displayName":"Old"}""" };
        await cluster.Accounts.Directory.Tables.CommitAsync(TableNames.Directory, partition, [TableOperation.Replace(row, old, stored.ETag)], None);

        Assert.Equal(new TenantSettings("Old"), (await tenant.Grain.FindAsync(None))!.Settings);
        Assert.Equal(PutOutcome.Created, await tenant.PutMailboxAsync("bob"));
    }

    [Fact]
    public async Task FindIsAnsweredWhileAChangeIsUnderWay()
    {
        var tenant = await cluster.NewTenantAsync();
        Task<PutOutcome> change;
        using (cluster.Tables.HoldCommits())
        {
            change = tenant.PutMailboxAsync("bob");
            Assert.NotNull(await tenant.Grain.FindAsync(None));
            Assert.False(change.IsCompleted);
        }

        Assert.Equal(PutOutcome.Created, await change);
    }

    [Theory]
    [InlineData("https://id.example.test", true)]
    [InlineData("http://127.0.0.1:8080/a", true)]
    [InlineData("http://localhost/a", true)]
    [InlineData("http://[::1]/a", true)]
    [InlineData("http://id.example.test", false)]
    [InlineData("http://127.0.0.1.example.test", false)]
    [InlineData("https://user@id.example.test", false)]
    [InlineData("https://id.example.test/#a", false)]
    [InlineData("https://id.example.test/a b", false)]
    [InlineData("ftp://id.example.test", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("id.example.test", false)]
    [InlineData("", false)]
    public async Task IssuerIsAtAPlaceThatNobodyElseCanAnswerFor(string place, bool isTaken)
    {
        var tenant = await cluster.NewTenantAsync();
        var expected = isTaken ? PutStatus.Changed : PutStatus.Invalid;
        Assert.Equal(expected, (await PutAsync(tenant, Full.OAuth! with { Issuer = place })).Status);
        Assert.Equal(expected, (await PutAsync(tenant, Full.OAuth! with { JwksUri = place })).Status);
    }

    [Fact]
    public async Task WhatIsEmptyLongOrNegativeIsRefused()
    {
        var tenant = await cluster.NewTenantAsync();
        foreach (var text in new[] { "", " ", "a\r\nb", new string('a', 201) })
        {
            Assert.Equal(PutStatus.Invalid, (await PutAsync(tenant, Full.OAuth! with { Audience = text })).Status);
            Assert.Equal(PutStatus.Invalid, (await PutAsync(tenant, Full.OAuth! with { UserClaim = text })).Status);
        }

        Assert.Equal(PutStatus.Invalid, (await PutAsync(tenant, Full.OAuth! with { Issuer = "https://" + new string('a', 1_000) })).Status);
        foreach (var limits in new SendingLimits[] { new(-1, 1, 1, 1), new(1, -1, 1, 1), new(1, 1, -1, 1), new(1, 1, 1, -1) })
        {
            Assert.Equal(PutStatus.Invalid, (await tenant.Grain.PutAsync(Full with { Limits = limits }, None)).Status);
        }

        Assert.Equal(new TenantSettings(null), (await tenant.Grain.FindAsync(None))!.Settings);
    }

    private static async Task<PutOutcome> PutAsync(TestTenant tenant, OAuthIssuer issuer) =>
        await tenant.Grain.PutAsync(new TenantSettings(null) { OAuth = issuer }, None);
}
