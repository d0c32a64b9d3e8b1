using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Web.Tests;

/// <summary>The operator's key, what it opens, and what needs none.</summary>
[Collection(SharedWeb.Name)]
public sealed class OperatorTests(WebCluster cluster)
{
    private static string Basic(string user, string password) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer wrong")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer the operator's ke")]
    [InlineData("Bearer the operator's key2")]
    [InlineData("Bearer THE OPERATOR'S KEY")]
    [InlineData("Token the operator's key")]
    [InlineData("the operator's key")]
    [InlineData("Basic OnRoZSBvcGVyYXRvcidzIGtleQ==")]
    public async Task ApiWithoutTheKeyIs401(string? authorization)
    {
        foreach (var method in new[] { HttpMethod.Get, HttpMethod.Put, HttpMethod.Delete })
        {
            using var response = await SendAsync(cluster.Web, method, "/api/v1/tenants/acme", authorization);

            await response.ReadAsync(HttpStatusCode.Unauthorized);
            Assert.Equal(["Bearer"], response.Headers.WwwAuthenticate.Select(challenge => challenge.Scheme));
        }
    }

    [Fact]
    public async Task TooManyWrongKeysAreNotHeardForAWhile()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var options = new AdminOptions { ApiKey = WebHost.Key, MaxFailures = 3, FailureForgivenAfter = TimeSpan.FromSeconds(6) };
        await using var web = await cluster.StartAsync(options, time);
        const string Path = "/api/v1/tenants";
        for (var i = 0; i < 3; i++)
        {
            using var wrong = await SendAsync(web, HttpMethod.Get, Path, $"Bearer wrong {i}");
            await wrong.ReadAsync(HttpStatusCode.Unauthorized);
        }

        // The right key is not heard either, or guessing would lose nothing by the wait.
        foreach (var key in new[] { "wrong", WebHost.Key })
        {
            using var refused = await SendAsync(web, HttpMethod.Get, Path, $"Bearer {key}");
            await refused.ReadAsync(HttpStatusCode.TooManyRequests);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(6));
        }

        time.Advance(TimeSpan.FromSeconds(6));
        using var heard = await SendAsync(web, HttpMethod.Get, Path, $"Bearer {WebHost.Key}");
        await heard.ReadAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task DashboardOpensToTheKeyAsTokenOrPassword()
    {
        foreach (var path in new[] { "/dashboard/", "/dashboard/DashboardCounters", "/dashboard/ClusterStats" })
        {
            foreach (var wrong in new[] { null, "Bearer wrong", Basic("admin", "wrong"), Basic(WebHost.Key, ""), "Basic ?" })
            {
                using var refused = await SendAsync(cluster.Web, HttpMethod.Get, path, wrong);
                await refused.ReadAsync(HttpStatusCode.Unauthorized);
                Assert.Equal(["Bearer", "Basic"], refused.Headers.WwwAuthenticate.Select(challenge => challenge.Scheme));
            }

            foreach (var right in new[] { $"Bearer {WebHost.Key}", $"bearer {WebHost.Key}", Basic("anybody", WebHost.Key), Basic("", WebHost.Key) })
            {
                using var shown = await SendAsync(cluster.Web, HttpMethod.Get, path, right);
                Assert.Equal(HttpStatusCode.OK, shown.StatusCode);
                Assert.Equal(["DENY"], shown.Headers.GetValues("X-Frame-Options"));
            }
        }
    }

    [Theory]
    [InlineData("/dashboard/Reminders", HttpStatusCode.NotFound)]
    [InlineData("/dashboard/reminders/1", HttpStatusCode.NotFound)]
    [InlineData("/DASHBOARD/Reminders/2?x=1", HttpStatusCode.NotFound)]
    [InlineData("/dashboard/%52eminders", HttpStatusCode.NotFound)]
    [InlineData("/dashboard/x/../Reminders", HttpStatusCode.NotFound)]
    [InlineData("/dashboard/Trace", HttpStatusCode.Forbidden)]
    public async Task DashboardHasNoPageThatReadsTooMuch(string path, HttpStatusCode expected)
    {
        using var response = await SendAsync(cluster.Web, HttpMethod.Get, path, $"Bearer {WebHost.Key}");

        Assert.Equal(expected, response.StatusCode);
        using var anonymous = await SendAsync(cluster.Web, HttpMethod.Get, path, null);
        Assert.NotEqual(HttpStatusCode.OK, anonymous.StatusCode);
    }

    [Fact]
    public async Task DescriptionNamesEachPathAndItsMethods()
    {
        var description = JsonNode.Parse(await cluster.Web.Anonymous.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken))!;

        var paths = description["paths"]!.AsObject().ToDictionary(path => path.Key, path => path.Value!.AsObject().Select(m => m.Key).Order());
        var things = new[] { "", "/{tenant}/domains", "/{tenant}/mailboxes", "/{tenant}/aliases" };
        var names = new[] { "/{tenant}", "/{domain}", "/{address}", "/{address}" };
        Assert.Equal(37, paths.Count);
        Assert.Equal(["get"], paths["/api/v1/certificates"]);
        Assert.Equal(["post"], paths["/api/v1/certificates/renew"]);
        Assert.Equal(["get"], paths["/api/v1/route"]);
        Assert.Equal(["get"], paths["/api/v1/queues"]);
        const string Queues = "/api/v1/tenants/{tenant}/queues";
        Assert.Equal(["get"], paths[Queues + "/{domain}"]);
        Assert.Equal(["get"], paths[Queues + "/{domain}/messages"]);
        foreach (var order in new[] { "suspend", "resume", "retry", "drop", "route", "hold", "release" })
        {
            Assert.Equal(["post"], paths[$"{Queues}/{order}"]);
            Assert.Equal(["post"], paths[$"{Queues}/{{domain}}/{order}"]);
            Assert.NotNull(description["paths"]![$"{Queues}/{{domain}}/{order}"]!["post"]!["requestBody"]);
        }

        const string Mailbox = "/api/v1/tenants/{tenant}/mailboxes/{address}";
        Assert.Equal(["get"], paths[Mailbox + "/sending"]);
        Assert.Equal(["delete", "get"], paths[Mailbox + "/lockout"]);
        Assert.Equal(["get"], paths[Mailbox + "/app-passwords"]);
        Assert.Equal(["delete"], paths[Mailbox + "/app-passwords/{id}"]);
        Assert.Equal(["delete", "get"], paths["/api/v1/lockouts/{address}"]);
        Assert.Equal(["get"], paths["/api/v1/me"]);
        Assert.Equal(["put"], paths["/api/v1/me/password"]);
        Assert.Equal(["get", "post"], paths["/api/v1/me/app-passwords"]);
        Assert.Equal(["delete"], paths["/api/v1/me/app-passwords/{id}"]);
        foreach (var (path, operations) in description["paths"]!.AsObject())
        {
            var expected = path.StartsWith("/api/v1/me", StringComparison.Ordinal) ? "basic" : "operatorKey";
            Assert.All(operations!.AsObject(), operation => Assert.Equal(
                [expected], (operation.Value!["security"] ?? description["security"])!.AsArray().SelectMany(s => s!.AsObject().Select(k => k.Key))));
        }

        foreach (var (thing, name) in things.Zip(names))
        {
            Assert.Equal(["get"], paths[$"/api/v1/tenants{thing}"]);
            Assert.Equal(["delete", "get", "put"], paths[$"/api/v1/tenants{thing}{name}"]);
            var put = description["paths"]![$"/api/v1/tenants{thing}{name}"]!["put"]!;
            Assert.Equal(
                ["200", "201", "400", "401", "404", "409", "413", "415", "429", "503"], put["responses"]!.AsObject().Select(r => r.Key).Order());
            Assert.NotNull(put["requestBody"]!["content"]!["application/json"]);
        }

        Assert.Equal("bearer", (string)description["components"]!["securitySchemes"]!["operatorKey"]!["scheme"]!);
    }

    private static async Task<HttpResponseMessage> SendAsync(WebHost web, HttpMethod method, string path, string? authorization)
    {
        using var request = new HttpRequestMessage(method, web.Anonymous.UriOf(path));
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await web.Anonymous.SendAsync(request);
    }
}
