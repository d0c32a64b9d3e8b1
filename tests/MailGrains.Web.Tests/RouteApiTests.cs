using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MailGrains.Testing.Dns;

namespace MailGrains.Web.Tests;

/// <summary>What would happen to mail now.</summary>
[Collection(SharedWeb.Name)]
public sealed class RouteApiTests(WebCluster cluster)
{
    private HttpClient Operator => cluster.Web.Operator;

    [Fact]
    public async Task AMailboxAnAliasAndNobodyAreToldApart()
    {
        var tenant = await Operator.NewTenantAsync();
        var made = await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/mailboxes/bob@{tenant}.test");
        await Operator.PutAsync(HttpStatusCode.Created, $"/{tenant}/aliases/all@{tenant}.test", $$"""{"targets":["bob@{{tenant}}.test","eve@{{tenant}}.example"]}""");
        cluster.Dns.Add($"{tenant}.example", DnsType.A, "203.0.113.5");

        var local = await AskAsync(HttpStatusCode.OK, $"to=Bob%2Bnews@{tenant}.test");
        Assert.Equal(("resolved", "250 2.1.5"), ((string)local["outcome"]!, (string)local["reply"]!));
        Assert.Equal(((string)made!["id"]!, "news"), ((string)local["mailboxes"]![0]!["id"]!, (string)local["mailboxes"]![0]!["detail"]!));
        Assert.Empty(local["elsewhere"]!.AsArray());

        var alias = await AskAsync(HttpStatusCode.OK, $"to=all@{tenant}.test");
        Assert.Equal((string)made["id"]!, (string)Assert.Single(alias["mailboxes"]!.AsArray())!["id"]!);
        var remote = Assert.Single(alias["elsewhere"]!.AsArray())!;
        Assert.Equal((tenant, $"{tenant}.example"), ((string)remote["tenant"]!, (string)remote["domain"]!));
        Assert.Equal($"eve@{tenant}.example", (string)Assert.Single(remote["addresses"]!.AsArray())!);
        Assert.Equal("203.0.113.5", (string)remote["route"]!["hosts"]![0]!["addresses"]![0]!);

        var nobody = await AskAsync(HttpStatusCode.OK, $"to=nobody@{tenant}.test");
        Assert.Equal(("noSuchUser", "550 5.1.1"), ((string)nobody["outcome"]!, (string)nobody["reply"]!));
    }

    [Fact]
    public async Task MailForAnotherServerShowsItsHostsTheirTlsTheLimitsAndTheQueue()
    {
        var tenant = await Operator.NewTenantAsync();
        var domain = $"{tenant}.example";
        cluster.Dns.Add(domain, DnsType.Mx, $"10 mx1.{domain}");
        cluster.Dns.Add(domain, DnsType.Mx, $"20 mx2.{domain}");
        cluster.Dns.Add(domain, DnsType.Mx, $"30 mx3.{domain}");
        cluster.Dns.Add($"mx1.{domain}", DnsType.A, "203.0.113.1");
        cluster.Dns.Add($"mx1.{domain}", DnsType.Aaaa, "2001:db8::1");
        cluster.Dns.Add($"mx2.{domain}", DnsType.A, "203.0.113.2");
        cluster.Dns.Add($"_25._tcp.mx2.{domain}", DnsType.Tlsa, "3 1 1 " + new string('a', 64));
        cluster.Dns.Sign(domain);
        await OrderAsync(tenant, $"{domain}/suspend", """{"reason":"moving","by":"ann"}""");

        // Whose mail it is, the sender's domain says.
        var shown = await AskAsync(HttpStatusCode.OK, $"to=eve@{domain}&from=bob@{tenant}.test");

        Assert.Equal(("notLocal", "550 5.7.1"), ((string)shown["outcome"]!, (string)shown["reply"]!));
        var remote = Assert.Single(shown["elsewhere"]!.AsArray())!;
        Assert.Equal((tenant, "moving"), ((string)remote["tenant"]!, (string)remote["queue"]!["suspended"]!["reason"]!));
        var route = remote["route"]!;
        Assert.Equal("dns", (string)route["origin"]!);
        var hosts = route["hosts"]!.AsArray();
        Assert.Equal(
            [($"mx1.{domain}", 25, 10, "opportunistic"), ($"mx2.{domain}", 25, 20, "dane")],
            hosts.Select(host => ((string)host!["name"]!, (int)host["port"]!, (int)host["preference"]!, (string)host["tls"]!["level"]!)));
        Assert.Equal(["2001:db8::1", "203.0.113.1"], hosts[0]!["addresses"]!.AsArray().Select(address => (string)address!));
        Assert.Equal(("tlsa", true), ((string)hosts[1]!["tls"]!["policy"]!, (bool)hosts[1]!["tls"]!["nameProven"]!));
        Assert.Equal($"mx3.{domain}", (string)Assert.Single(route["skipped"]!.AsArray())!["name"]!);
        var site = Assert.Single(route["limits"]!.AsArray())!;
        Assert.Equal(($"mx1.{domain},mx2.{domain}", 20, 0), ((string)site["site"]!, (int)site["connections"]!, (int)site["inUse"]!));
    }

    [Fact]
    public async Task WhatIsReturnedOrWaitsSaysWhy()
    {
        cluster.Dns.Add("null.route.example", DnsType.Mx, "0 .");
        cluster.Dns.Fail("broken.route.example");

        Assert.Equal((556, "5.1.10"), await FailureAsync("eve@null.route.example"));
        Assert.Equal((451, "4.4.3"), await FailureAsync("eve@broken.route.example"));
        Assert.Equal((550, "5.1.2"), await FailureAsync("eve@absent.route.example"));
    }

    [Fact]
    public async Task ConfiguredRoutesAndOperatorsOrdersAreShownWithoutPasswords()
    {
        var tenant = await Operator.NewTenantAsync();
        var smart = await RouteAsync($"to=eve@smart.example&tenant={tenant}");
        Assert.Equal(("configured", "smart.example", "relay", "me"),
            ((string)smart["origin"]!, (string)smart["rule"]!["domain"]!, (string)smart["rule"]!["action"]!, (string)smart["rule"]!["user"]!));
        Assert.Equal(("192.0.2.9", 2525, "required"),
            ((string)smart["hosts"]![0]!["name"]!, (int)smart["hosts"]![0]!["port"]!, (string)smart["hosts"]![0]!["tls"]!["level"]!));
        Assert.DoesNotContain("sesame", smart.ToJsonString(), StringComparison.Ordinal);

        var rejected = await RouteAsync($"to=eve@there.no.example&tenant={tenant}");
        Assert.Equal(("reject", "not from here"), ((string)rejected["rule"]!["action"]!, (string)rejected["rule"]!["reason"]!));
        Assert.Empty(rejected["hosts"]!.AsArray());

        await OrderAsync(tenant, "smart.example/route", """{"reason":"detour","host":"192.0.2.10","port":2526}""");
        var ordered = await RouteAsync($"to=eve@smart.example&tenant={tenant}");
        Assert.Equal(("ordered", "192.0.2.10", 2526),
            ((string)ordered["origin"]!, (string)ordered["hosts"]![0]!["name"]!, (int)ordered["hosts"]![0]!["port"]!));
        Assert.Null(ordered["rule"]);
    }

    [Fact]
    public async Task AnAddressLiteralIsItsOwnHost()
    {
        var shown = await AskAsync(HttpStatusCode.OK, $"to=eve@{Uri.EscapeDataString("[203.0.113.7]")}");
        var remote = Assert.Single(shown["elsewhere"]!.AsArray())!;
        Assert.Null(remote["queue"]);
        Assert.Equal("[203.0.113.7]", (string)remote["route"]!["hosts"]![0]!["name"]!);
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest)]
    [InlineData("to=", HttpStatusCode.BadRequest)]
    [InlineData("to=eve", HttpStatusCode.BadRequest)]
    [InlineData("to=eve@", HttpStatusCode.BadRequest)]
    [InlineData("to=eve@[1.2]", HttpStatusCode.BadRequest)]
    [InlineData("to=eve@smart.example&from=bob", HttpStatusCode.BadRequest)]
    [InlineData("to=eve@smart.example&tenant=No_Name", HttpStatusCode.BadRequest)]
    [InlineData("to=eve@smart.example&tenant=nobody", HttpStatusCode.NotFound)]
    public async Task AQuestionThatCantBeMeantIsRefused(string query, HttpStatusCode expected) => await AskAsync(expected, query);

    private async Task<(int Code, string Enhanced)> FailureAsync(string to)
    {
        var failure = (await RouteAsync($"to={to}"))["failure"]!;
        return ((int)failure["code"]!, (string)failure["enhanced"]!);
    }

    private async Task<JsonNode> RouteAsync(string query) =>
        Assert.Single((await AskAsync(HttpStatusCode.OK, query))["elsewhere"]!.AsArray())!["route"]!;

    private async Task<JsonNode> AskAsync(HttpStatusCode expected, string query)
    {
        using var response = await Operator.GetAsync(Operator.UriOf("/api/v1/route?" + query), TestContext.Current.CancellationToken);
        return (await response.ReadAsync(expected))!;
    }

    private Task<JsonNode?> OrderAsync(string tenant, string path, string body) => Operator.AskAsync(
        HttpStatusCode.OK, HttpMethod.Post, $"/{tenant}/queues/{path}", new StringContent(body, Encoding.UTF8, "application/json"));
}
