using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;
using MailGrains.Grains.Directory;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Tests.Directory;

/// <summary>What a tenant sets for an account, and what becomes of it.</summary>
[Collection(SharedDirectory.Name)]
public sealed class AccountSettingsTests(DirectoryCluster cluster)
{
    private static readonly SendingLimits Limits = new(1, 2, 3, 4);

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SettingsAreShownAndAnsweredAndKeptByAPutWithoutThem()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        Assert.Equal(("", null), Rights(await tenant.Account("bob").GetSenderRightsAsync(None)));

        var settings = new AccountSettings(true, [$"*@{tenant.Domain.ToUpperInvariant()}", $"Sales@{tenant.Domain}"], Limits);
        Assert.Equal(PutOutcome.Changed, await tenant.PutMailboxAsync("bob", account: settings));
        Assert.Equal(PutOutcome.Changed, await tenant.PutMailboxAsync("bob", password: null, quotaBytes: 7));

        string[] expected = [$"*@{tenant.Domain}", $"sales@{tenant.Domain}"];
        var shown = (await tenant.FindMailboxAsync("bob"))!.Account;
        Assert.Equal((true, Limits), (shown.Disabled, shown.Limits));
        Assert.Equal(expected, shown.SendAs);
        Assert.Null(await tenant.Account("bob").GetSenderRightsAsync(None));

        await tenant.PutMailboxAsync("bob", account: settings with { Disabled = false });
        Assert.Equal((string.Join(' ', expected), Limits), Rights(await tenant.Account("bob").GetSenderRightsAsync(None)));
    }

    [Fact]
    public async Task MailboxMadeAgainStartsWithTheDefaults()
    {
        var tenant = await cluster.NewTenantAsync();
        await tenant.PutMailboxAsync("bob", account: new AccountSettings(true, [], Limits));
        await tenant.DeleteMailboxAsync("bob");
        Assert.Null(await tenant.Account("bob").GetSenderRightsAsync(None));

        await tenant.PutMailboxAsync("bob");

        Assert.Equal(("", null), Rights(await tenant.Account("bob").GetSenderRightsAsync(None)));
        Assert.NotNull(await tenant.LogInAsync("bob"));
    }

    [Fact]
    public async Task DisabledIsSaidOnlyWithTheRightSecret()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await tenant.LogInAsync("bob");
        await tenant.PutMailboxAsync("bob", account: new AccountSettings(true, [], null));
        var account = tenant.Account("bob");

        // Twice: remembered or not.
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(LoginOutcome.Refuse(LoginStatus.Disabled), await account.LogInAsync(TestTenant.Password, TestTenant.Attempt, None));
            Assert.Equal(LoginStatus.BadCredentials, (await account.LogInAsync("another word", TestTenant.Attempt, None)).Status);
        }

        var scram = await ScramClient.LogInAsync(account, ScramDigest.Sha1, TestTenant.Password, [1]);
        Assert.Equal((LoginStatus.Disabled, 0), (scram.Login.Status, scram.ServerSignature.Length));
        Assert.Equal(LoginStatus.Disabled, (await account.ConfirmTokenAsync(TestTenant.Attempt, None)).Status);

        await tenant.PutMailboxAsync("bob", password: null, account: AccountSettings.Default);
        Assert.NotNull(await tenant.LogInAsync("bob"));
    }

    [Fact]
    public async Task TokenOpensTheAccountThatIsThere()
    {
        var tenant = await cluster.NewTenantAsync();
        await tenant.PutMailboxAsync("bob", password: null);
        var mailbox = (await tenant.FindMailboxAsync("bob"))!.Mailbox;

        var outcome = await tenant.Account("bob").ConfirmTokenAsync(TestTenant.Attempt, None);

        Assert.Equal(LoginOutcome.Accept(new LoginAccount(tenant.Name, tenant.Address("bob").ToString(), mailbox, null)), outcome);
        Assert.Equal(LoginStatus.BadCredentials, (await tenant.Account("nobody").ConfirmTokenAsync(TestTenant.Attempt, None)).Status);
    }

    [Theory]
    [InlineData("no address", 1)]
    [InlineData("*@", 1)]
    [InlineData("bob@elsewhere.test", 1)]
    [InlineData("*@elsewhere.test", 1)]
    [InlineData("bob@TENANT.test", -1)]
    public async Task SettingsThatCantBeAreRefused(string sender, int limit)
    {
        var tenant = await cluster.NewTenantAsync();
        var settings = new AccountSettings(
            false, [sender.Replace("TENANT", tenant.Name, StringComparison.Ordinal)], new SendingLimits(limit, 1, 1, 1));

        Assert.Equal(PutStatus.Invalid, (await tenant.PutMailboxAsync("bob", account: settings)).Status);
        Assert.Null(await tenant.FindMailboxAsync("bob"));
    }

    [Fact]
    public async Task RecordsOfTheFirstReleaseAreRead()
    {
        var tenant = await cluster.NewTenantAsync("bob");
        await ReplaceAsync("account:" + tenant.Name, tenant.Address("bob").ToString(), "settings", "appPasswords");
        await ReplaceAsync("tenant:" + tenant.Name, TenantPartition.MailboxRow(tenant.Address("bob")), "account");

        var found = (await tenant.FindMailboxAsync("bob"))!;
        Assert.Equal((true, AccountSettings.Default), (found.Complete, found.Account));
        Assert.Equal(found.Mailbox, await tenant.LogInAsync("bob"));
        Assert.Equal(("", null), Rights(await tenant.Account("bob").GetSenderRightsAsync(None)));
    }

    private static (string SendAs, SendingLimits? Limits) Rights(SenderRights? rights) => (string.Join(' ', rights!.SendAs), rights.Limits);

    /// <summary>Takes properties out of a record that later releases have added.</summary>
    private async Task ReplaceAsync(string partition, string row, params string[] added)
    {
        var found = (await cluster.ReadRowAsync(partition, row))!;
        var json = System.Text.Json.Nodes.JsonNode.Parse(found.Text("v")!)!.AsObject();
        foreach (var name in added)
        {
            json.Remove(name);
        }

        var properties = new Dictionary<string, TableValue>(found.Properties) { ["v"] = json.ToJsonString() };
        Assert.True((await cluster.Accounts.Directory.Tables.CommitAsync(
            TableNames.Directory, partition, [TableOperation.Replace(row, properties, found.ETag)], None)).Committed);
    }
}
