using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;

namespace MailGrains.Web.Tests;

/// <summary>What operators see of queues and order; the cluster's queues have three shards, and nothing leaves them.</summary>
[Collection(SharedWeb.Name)]
public sealed class QueueApiTests(WebCluster cluster)
{
    private const int Shards = 3;
    private const string Because = """{"reason":"moving"}""";

    private HttpClient Operator => cluster.Web.Operator;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task QueuesAreListedWithWhatTheyComeTo()
    {
        var tenant = await Operator.NewTenantAsync();
        string[] domains = ["a.example", "b.example", "[192.0.2.1]"];
        foreach (var domain in domains)
        {
            await OrderAsync(HttpStatusCode.OK, tenant, $"{Uri.EscapeDataString(domain)}/suspend", """{"reason":"moving","by":"ann"}""");
            await EnqueueAsync(tenant, domain, "bob@here.test", 4);

            // An order brings the list up to date at once.
            await OrderAsync(HttpStatusCode.OK, tenant, $"{Uri.EscapeDataString(domain)}/suspend", """{"reason":"moving","by":"ann"}""");
        }

        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/hold", """{"reason":"spam?","sender":"*@here.test"}""");
        var list = await UntilAsync(
            $"?tenant={tenant}", page => (long?)page["totals"]?["messages"] == 12 && (long?)page["totals"]?["held"] == 4 && Sum(page, "messages") == 12 && Sum(page, "held") == 4);

        Assert.Equal(3, (int)list["totals"]!["suspended"]!);
        Assert.True((bool)list["totals"]!["complete"]!);
        Assert.Equal(domains.Order(), list["items"]!.AsArray().Select(item => (string)item!["domain"]!).Order());
        var first = list["items"]!.AsArray().Single(item => (string)item!["domain"]! == "a.example")!;
        Assert.Equal((4, 4, "ann", "moving"), ((int)first["messages"]!, (int)first["held"]!, (string)first["suspended"]!["by"]!, (string)first["suspended"]!["reason"]!));
        Assert.Equal((string)list["totals"]!["oldest"]!, (string)first["oldest"]!);
        Assert.Null(first["nextAttempt"]);

        var one = (await QueuesAsync($"?domain=b.EXAMPLE&tenant={tenant}"))["items"]!.AsArray();
        Assert.Equal("b.example", (string)Assert.Single(one)!["domain"]!);
        var names = new List<string>();
        for (string? after = ""; after is not null;)
        {
            var page = await QueuesAsync($"?tenant={tenant}&limit=1&after={Uri.EscapeDataString(after)}");
            Assert.Equal(after.Length == 0, page["totals"] is not null);
            names.Add((string)Assert.Single(page["items"]!.AsArray())!["domain"]!);
            after = (string?)page["next"];
        }

        Assert.Equal(domains.Order(), names.Order());
    }

    [Fact]
    public async Task TenantWithMailInItsQueuesIsNotDeletedAndItsNameIsGivenAgainWithoutItsOrders()
    {
        var tenant = await Operator.NewTenantAsync();
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/suspend", Because);
        await EnqueueAsync(tenant, "a.example", "bob@here.test", 1);
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/suspend", Because);
        await UntilAsync($"?tenant={tenant}", page => (long?)page["totals"]?["messages"] == 1);
        await Operator.DeleteAsync(HttpStatusCode.NoContent, $"/{tenant}/domains/{tenant}.test");

        var problem = await Operator.DeleteAsync(HttpStatusCode.Conflict, $"/{tenant}");
        Assert.Contains("queues", (string)problem!["detail"]!, StringComparison.Ordinal);

        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/drop", Because);
        await Operator.DeleteAsync(HttpStatusCode.NoContent, $"/{tenant}");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}");
        var shown = await TenantAsync(HttpStatusCode.OK, tenant, "a.example");
        Assert.Equal((0, null), ((int)shown["messages"]!, shown["suspended"]));
    }

    [Fact]
    public async Task AQueueIsShownAsItStandsNowWithAllItsShards()
    {
        var tenant = await Operator.NewTenantAsync();
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/suspend", Because);
        var kept = await EnqueueAsync(tenant, "a.example", "bob@here.test", 7);

        var shown = await TenantAsync(HttpStatusCode.OK, tenant, "A.example");
        Assert.Equal((tenant, "a.example", 7), ((string)shown["tenant"]!, (string)shown["domain"]!, (int)shown["messages"]!));
        Assert.Equal(kept[0].Email.MadeAt, DateTimeOffset.Parse((string)shown["oldest"]!, System.Globalization.CultureInfo.InvariantCulture));

        var listed = new List<JsonNode>();
        for (string? after = ""; after is not null;)
        {
            var page = await TenantAsync(HttpStatusCode.OK, tenant, $"a.example/messages?limit=2&after={after}");
            Assert.InRange(page["items"]!.AsArray().Count, 1, 2);
            listed.AddRange(page["items"]!.AsArray()!);
            after = (string?)page["next"];
        }

        Assert.Equal(kept.Select(m => m.Email.ToString()), listed.Select(m => (string)m["id"]!));
        var first = listed[0];
        Assert.Equal(
            ("bob@here.test", "eve@a.example", "waiting", 0, "sue@here.test"),
            ((string)first["sender"]!, (string)Assert.Single(first["recipients"]!.AsArray())!, (string)first["state"]!, (int)first["attempts"]!, (string)first["submitter"]!));
    }

    [Fact]
    public async Task OrdersMeetTheMessagesThatTheyNameAndSayHowMany()
    {
        var tenant = await Operator.NewTenantAsync();
        Assert.Equal("""{"queues":1,"messages":0}""", (await OrderAsync(HttpStatusCode.OK, tenant, "a.example/suspend", Because)).ToJsonString());
        var first = await EnqueueAsync(tenant, "a.example", "bob@here.test", 3);
        await EnqueueAsync(tenant, "a.example", "joe@there.test", 2);
        await EnqueueAsync(tenant, "a.example", "", 1);

        Assert.Equal(3, await MetAsync(tenant, "a.example/hold", """{"reason":"spam?","until":"2999-01-01T00:00:00Z","sender":"*@HERE.test","by":"ann"}"""));
        var held = (await TenantAsync(HttpStatusCode.OK, tenant, "a.example/messages"))["items"]!.AsArray().Where(m => (string)m!["state"]! == "held").ToList();
        Assert.Equal(first.Select(m => m.Email.ToString()), held.Select(m => (string)m!["id"]!));
        AssertJson("""{"by":"ann","reason":"spam?","until":"2999-01-01T00:00:00+00:00"}""", held[0]!["hold"]!);
        Assert.Equal(1, await MetAsync(tenant, "a.example/release", $$"""{"reason":"ham","messages":["{{first[0].Email}}"]}"""));
        Assert.Equal(2, (int)(await TenantAsync(HttpStatusCode.OK, tenant, "a.example"))["held"]!);

        Assert.Equal(1, await MetAsync(tenant, "a.example/drop", """{"reason":"bounce","sender":"<>"}"""));
        Assert.Equal(2, await MetAsync(tenant, "a.example/drop", """{"reason":"spam","sender":"joe@there.test"}"""));
        Assert.Equal(3, await MetAsync(tenant, "a.example/retry", Because));
        Assert.Equal(3, await MetAsync(tenant, "a.example/drop", Because));
        Assert.Equal(0, (int)(await TenantAsync(HttpStatusCode.OK, tenant, "a.example"))["messages"]!);
    }

    [Fact]
    public async Task ARouteAndASuspensionSayWhoWhyAndUntilWhenAndAreTakenBack()
    {
        var tenant = await Operator.NewTenantAsync();
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/suspend", Because);
        await OrderAsync(
            HttpStatusCode.OK, tenant, "a.example/route", """{"reason":"detour","until":"2999-01-01T00:00:00Z","host":"Relay.Example","port":2525}""");
        var shown = await TenantAsync(HttpStatusCode.OK, tenant, "a.example");
        Assert.Equal("""{"by":"operator","reason":"moving","until":null}""", shown["suspended"]!.ToJsonString());
        AssertJson("""{"host":"relay.example","port":2525,"by":"operator","reason":"detour","until":"2999-01-01T00:00:00+00:00"}""", shown["route"]!);
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/route", Because);
        await OrderAsync(HttpStatusCode.OK, tenant, "a.example/resume", Because);
        shown = await TenantAsync(HttpStatusCode.OK, tenant, "a.example");
        Assert.Null(shown["route"]);
        Assert.Null(shown["suspended"]);
    }

    [Fact]
    public async Task AnOrderForATenantMeetsAllItsQueuesAndNobodyElses()
    {
        var (ours, theirs) = (await Operator.NewTenantAsync(), await Operator.NewTenantAsync());
        foreach (var (tenant, domain) in new[] { (ours, "a.example"), (ours, "b.example"), (theirs, "a.example") })
        {
            await OrderAsync(HttpStatusCode.OK, tenant, $"{domain}/suspend", Because);
            await EnqueueAsync(tenant, domain, "bob@here.test", 2);
        }

        await UntilAsync($"?tenant={ours}", page => page["items"]!.AsArray().Count == 2);
        Assert.Equal(
            """{"queues":2,"messages":4}""", (await OrderAsync(HttpStatusCode.OK, ours, "hold", """{"reason":"spam?","sender":"bob@here.test"}""")).ToJsonString());
        Assert.Equal(2, (int)(await TenantAsync(HttpStatusCode.OK, ours, "b.example"))["held"]!);
        Assert.Equal(0, (int)(await TenantAsync(HttpStatusCode.OK, theirs, "a.example"))["held"]!);
        Assert.Equal("""{"queues":2,"messages":4}""", (await OrderAsync(HttpStatusCode.OK, ours, "drop", Because)).ToJsonString());
        Assert.Equal(2, (int)(await TenantAsync(HttpStatusCode.OK, theirs, "a.example"))["messages"]!);
    }

    [Theory]
    [InlineData("suspend", """{}""")]
    [InlineData("suspend", """{"reason":" "}""")]
    [InlineData("suspend", """{"reason":"x","until":"2020-01-01T00:00:00Z"}""")]
    [InlineData("suspend", """{"reason":"x","until":"tomorrow"}""")]
    [InlineData("suspend", """{"reason":"x","sender":"bob@here.test"}""")]
    [InlineData("suspend", """{"reason":"x","messages":["0123456789abcdef0123456789abcdef"]}""")]
    [InlineData("suspend", """{"reason":"x","color":"red"}""")]
    [InlineData("resume", """{"reason":"x","until":"2999-01-01T00:00:00Z"}""")]
    [InlineData("drop", """{"reason":"x","messages":[]}""")]
    [InlineData("drop", """{"reason":"x","messages":["1"]}""")]
    [InlineData("drop", """{"reason":"x","messages":[null]}""")]
    [InlineData("drop", """{"reason":"x","sender":"bob"}""")]
    [InlineData("drop", """{"reason":"x","sender":"*"}""")]
    [InlineData("drop", """{"reason":"x","sender":""}""")]
    [InlineData("drop", """{"reason":"x","host":"relay.example"}""")]
    [InlineData("hold", """{"reason":"x","tellSender":true}""")]
    [InlineData("route", """{"reason":"x","host":"not a host"}""")]
    [InlineData("route", """{"reason":"x","host":"relay.example","port":0}""")]
    [InlineData("route", """{"reason":"x","port":25}""")]
    public async Task AnOrderThatCantBeMeantIs400AndDoesNothing(string order, string body)
    {
        var tenant = await Operator.NewTenantAsync();
        await OrderAsync(HttpStatusCode.BadRequest, tenant, $"a.example/{order}", body);
        await OrderAsync(HttpStatusCode.BadRequest, tenant, order, body);
        var shown = await TenantAsync(HttpStatusCode.OK, tenant, "a.example");
        Assert.Null(shown["suspended"]);
        Assert.Null(shown["route"]);
    }

    [Fact]
    public async Task WhatIsNotThereIs404AndWhatIsNoNameIs400()
    {
        await OrderAsync(HttpStatusCode.NotFound, "nobody", "a.example/suspend", Because);
        await OrderAsync(HttpStatusCode.NotFound, "nobody", "suspend", Because);
        await TenantAsync(HttpStatusCode.NotFound, "nobody", "a.example");
        await TenantAsync(HttpStatusCode.NotFound, "nobody", "a.example/messages");
        await AskAsync(HttpStatusCode.NotFound, "/api/v1/queues?tenant=nobody");
        var tenant = await Operator.NewTenantAsync();
        await OrderAsync(HttpStatusCode.NotFound, tenant, "a.example/burn", Because);
        await OrderAsync(HttpStatusCode.BadRequest, tenant, "a..example/suspend", Because);
        await TenantAsync(HttpStatusCode.BadRequest, tenant, "[1.2.3]");
        await TenantAsync(HttpStatusCode.BadRequest, tenant, "a.example/messages?after=x");
        await TenantAsync(HttpStatusCode.BadRequest, tenant, "a.example/messages?limit=501");
        await AskAsync(HttpStatusCode.BadRequest, "/api/v1/queues?after=x");
        await AskAsync(HttpStatusCode.BadRequest, $"/api/v1/queues?tenant={tenant}&after=other/0-0/a.example");
        await AskAsync(HttpStatusCode.BadRequest, "/api/v1/queues?limit=0");
    }

    private async Task<List<QueuedMessage>> EnqueueAsync(string tenant, string domain, string sender, int count)
    {
        var messages = new List<QueuedMessage>();
        for (var i = 0; i < count; i++)
        {
            var now = DateTimeOffset.UtcNow;
            var content = Encoding.ASCII.GetBytes($"Subject: {i}\r\n\r\nhi\r\n");
            var email = EmailId.New(now);
            var message = new QueuedMessage(
                email, email.ToString(), sender, [new QueuedRecipient($"eve@{domain}", DeliveryId.None)], [], new MessageBody(content.Length, content, null),
                [1], 1, now)
            {
                Submitter = "sue@here.test",
            };
            var queue = new QueueId(tenant, 0, domain, i % Shards);
            Assert.Equal(EnqueueStatus.Queued, (await cluster.Grains.GetGrain<IDomainQueueGrain>(queue.ToString()).EnqueueAsync(message, Cancellation)).Status);
            messages.Add(message);
        }

        return [.. messages.OrderBy(m => m.Email)];
    }

    private static void AssertJson(string expected, JsonNode actual) => Assert.Equal(JsonNode.Parse(expected)!.ToJsonString(), actual.ToJsonString());

    private async Task<long> MetAsync(string tenant, string path, string body) => (long)(await OrderAsync(HttpStatusCode.OK, tenant, path, body))["messages"]!;

    private async Task<JsonNode> OrderAsync(HttpStatusCode expected, string tenant, string path, string body) => (await Operator.AskAsync(
        expected, HttpMethod.Post, $"/{tenant}/queues/{path}", new StringContent(body, Encoding.UTF8, "application/json")))!;

    private async Task<JsonNode> TenantAsync(HttpStatusCode expected, string tenant, string path) =>
        (await Operator.GetAsync(expected, $"/{tenant}/queues/{path}"))!;

    private Task<JsonNode> QueuesAsync(string query) => AskAsync(HttpStatusCode.OK, "/api/v1/queues" + query);

    private async Task<JsonNode> AskAsync(HttpStatusCode expected, string path)
    {
        using var response = await Operator.GetAsync(Operator.UriOf(path), Cancellation);
        return (await response.ReadAsync(expected))!;
    }

    /// <summary>Of the queues that are listed, which may be looked at a moment before what they come to.</summary>
    private static long Sum(JsonNode page, string figure) => page["items"]!.AsArray().Sum(item => (long)item![figure]!);

    /// <summary>The list follows the queues by itself.</summary>
    private async Task<JsonNode> UntilAsync(string query, Func<JsonNode, bool> isSo)
    {
        for (var turn = 0; ; turn++)
        {
            var page = await QueuesAsync(query);
            if (isSo(page))
            {
                return page;
            }

            Assert.True(turn < 1_000, $"It never came to be: {page.ToJsonString()}");
            await Task.Delay(5, Cancellation);
        }
    }
}
