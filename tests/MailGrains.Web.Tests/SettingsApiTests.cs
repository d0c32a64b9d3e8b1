using System.Net;
using System.Text.Json.Nodes;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;

namespace MailGrains.Web.Tests;

/// <summary>What tenants and accounts are set to: tokens, limits, senders, and what was sent.</summary>
[Collection(SharedWeb.Name)]
public sealed class SettingsApiTests(WebCluster cluster)
{
    private const string Limits = """{"messagesPerHour":1,"messagesPerDay":2,"recipientsPerHour":3,"recipientsPerDay":4}""";
    private const string OAuth = """{"issuer":"https://id.example.test","audience":"mail","userClaim":"email","jwksUri":null}""";

    private HttpClient Operator => cluster.Web.Operator;

    [Fact]
    public async Task TenantSaysWhoseTokensOpenItsAccountsAndHowMuchItSends()
    {
        var tenant = await Operator.NewTenantAsync();

        var put = await Operator.PutAsync(HttpStatusCode.OK, $"/{tenant}", $$"""{"oauth":{{OAuth}},"limits":{{Limits}}}""");

        var shown = (await Operator.GetAsync(HttpStatusCode.OK, $"/{tenant}"))!;
        Assert.Equal(put!.ToJsonString(), shown.ToJsonString());
        AssertJson(OAuth, shown["oauth"]);
        AssertJson(Limits, shown["limits"]);

        // Replaced whole.
        await Operator.PutAsync(HttpStatusCode.OK, $"/{tenant}", """{"limits":{}}""");
        shown = (await Operator.GetAsync(HttpStatusCode.OK, $"/{tenant}"))!;
        Assert.Null(shown["oauth"]);
        Assert.Null(shown["limits"]);
    }

    [Theory]
    [InlineData("""{"oauth":{}}""")]
    [InlineData("""{"oauth":{"issuer":"http://id.example.test","audience":"mail","userClaim":"email"}}""")]
    [InlineData("""{"oauth":{"issuer":"https://id.example.test","audience":"","userClaim":"email"}}""")]
    [InlineData("""{"oauth":{"issuer":"https://id.example.test","audience":"mail"}}""")]
    [InlineData("""{"oauth":{"issuer":"https://id.example.test","audience":"mail","userClaim":"email","jwksUri":"/keys"}}""")]
    [InlineData("""{"oauth":{"issuer":"https://id.example.test","audience":"mail","userClaim":"email","secret":"x"}}""")]
    [InlineData("""{"limits":{"messagesPerHour":1}}""")]
    [InlineData("""{"limits":{"messagesPerHour":-1,"messagesPerDay":2,"recipientsPerHour":3,"recipientsPerDay":4}}""")]
    [InlineData("""{"limits":{"messagesPerHour":3000000000,"messagesPerDay":2,"recipientsPerHour":3,"recipientsPerDay":4}}""")]
    [InlineData("""{"limits":{"messagesPerHour":"1","messagesPerDay":2,"recipientsPerHour":3,"recipientsPerDay":4}}""")]
    public async Task TenantsSettingsThatCantBeAre400(string body)
    {
        var tenant = await Operator.NewTenantAsync();
        await Operator.PutAsync(HttpStatusCode.BadRequest, $"/{tenant}", body);
    }

    [Fact]
    public async Task MailboxKeepsWhatAPutLeavesOut()
    {
        var tenant = await Operator.NewTenantAsync();
        var path = $"/{tenant}/mailboxes/bob@{tenant}.test";
        var made = await Operator.PutAsync(HttpStatusCode.Created, path, $$"""{"sendAs":["*@{{tenant}}.test","Sales@{{tenant}}.test"],"limits":{{Limits}}}""");
        Assert.False((bool)made!["disabled"]!);
        await Operator.PutAsync(HttpStatusCode.OK, path, """{"disabled":true}""");
        await Operator.PutAsync(HttpStatusCode.OK, path, """{"quotaBytes":7}""");

        var shown = (await Operator.GetAsync(HttpStatusCode.OK, path))!;
        Assert.True((bool)shown["disabled"]!);
        Assert.Equal(7, (long)shown["quotaBytes"]!);
        AssertJson($$"""["*@{{tenant}}.test","sales@{{tenant}}.test"]""", shown["sendAs"]);
        AssertJson(Limits, shown["limits"]);

        shown = await Operator.PutAsync(HttpStatusCode.OK, path, """{"disabled":false,"sendAs":[],"limits":{}}""");
        Assert.False((bool)shown!["disabled"]!);
        Assert.Empty(shown["sendAs"]!.AsArray());
        Assert.Null(shown["limits"]);
    }

    [Fact]
    public async Task MailboxSendsAsItsOwnTenantOnly()
    {
        var (ours, theirs) = (await Operator.NewTenantAsync(), await Operator.NewTenantAsync());
        var path = $"/{ours}/mailboxes/bob@{ours}.test";
        foreach (var wrong in new[]
        {
            $"ann@{theirs}.test", $"*@{theirs}.test", "ann@example.org", "*@*", "*", "", $"*@sub.{ours}.test", $"an*@{theirs}.test", $"@{ours}.test",
        })
        {
            await Operator.PutAsync(HttpStatusCode.BadRequest, path, $$"""{"sendAs":["{{wrong}}"]}""");
        }

        await Operator.PutAsync(HttpStatusCode.BadRequest, path, """{"sendAs":[null]}""");
        var many = string.Join(',', Enumerable.Range(0, 101).Select(i => $"\"a{i}@{ours}.test\""));
        await Operator.PutAsync(HttpStatusCode.BadRequest, path, $$"""{"sendAs":[{{many}}]}""");
        await Operator.GetAsync(HttpStatusCode.NotFound, path);
    }

    [Theory]
    [InlineData("bob", "bob")]
    [InlineData("a%2Fb", "a/b")]
    public async Task WhatWasSentIsShownToItsTenantOnly(string segment, string localpart)
    {
        var (ours, theirs) = (await Operator.NewTenantAsync(), await Operator.NewTenantAsync());
        var path = $"mailboxes/{segment}@{ours}.test";
        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{ours}/{path}/sending");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{ours}/{path}", $$"""{"limits":{{Limits}}}""");
        var sender = cluster.Grains.GetGrain<ISenderGrain>(AccountKey.Of(ours, new AddressName(localpart, $"{ours}.test")));
        await sender.TryTakeAsync(2, null, TestContext.Current.CancellationToken);

        var shown = await Operator.GetAsync(HttpStatusCode.OK, $"/{ours}/{path}/sending?x=/y/z");

        AssertJson(
            $$"""{"messagesThisHour":1,"messagesThisDay":1,"recipientsThisHour":2,"recipientsThisDay":2,"limits":{{Limits}}}""", shown);
        await Operator.GetAsync(HttpStatusCode.NotFound, $"/{theirs}/{path}/sending");
    }

    private static void AssertJson(string expected, JsonNode? actual) => Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), actual?.ToJsonString());
}
