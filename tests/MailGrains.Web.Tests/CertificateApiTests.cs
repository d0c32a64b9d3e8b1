using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace MailGrains.Web.Tests;

/// <summary>Certificates that are ordered.</summary>
[Collection(SharedWeb.Name)]
public sealed class CertificateApiTests(WebCluster cluster)
{
    [Fact]
    public async Task Certificates_are_listed_page_by_page_with_whose_they_are_and_what_is_wrong()
    {
        var first = await AskAsync(HttpStatusCode.OK, HttpMethod.Get, "?limit=1");
        var own = Assert.Single(first!["items"]!.AsArray())!;
        Assert.Equal("mx.known.test", (string)own["names"]![0]!);
        Assert.True(own["tenant"] is null && own["lastError"] is null && own["notAfter"] is not null);

        var second = await AskAsync(HttpStatusCode.OK, HttpMethod.Get, $"?limit=1&after={Uri.EscapeDataString((string)first["next"]!)}");
        var failing = Assert.Single(second!["items"]!.AsArray())!;
        Assert.Equal(("one", "no answer"), ((string)failing["tenant"]!, (string)failing["lastError"]!));
        Assert.True(failing["notAfter"] is null && second["next"] is null);
    }

    [Theory]
    [InlineData(HttpStatusCode.Accepted, null)]
    [InlineData(HttpStatusCode.Accepted, "{}")]
    [InlineData(HttpStatusCode.Accepted, """{"name":"MX.known.test"}""")]
    [InlineData(HttpStatusCode.Conflict, """{"name":"mail.known.test"}""")]
    [InlineData(HttpStatusCode.Conflict, """{"name":"off.known.test"}""")]
    [InlineData(HttpStatusCode.NotFound, """{"name":"other.test"}""")]
    [InlineData(HttpStatusCode.BadRequest, """{"name":"not a name"}""")]
    [InlineData(HttpStatusCode.BadRequest, """{"names":[]}""")]
    public async Task A_renewal_is_begun_or_refused_with_the_reason(HttpStatusCode expected, string? body) =>
        await AskAsync(expected, HttpMethod.Post, "/renew", body);

    private async Task<JsonNode?> AskAsync(HttpStatusCode expected, HttpMethod method, string path, string? body = null)
    {
        var web = cluster.Web.Operator;
        using var request = new HttpRequestMessage(method, web.UriOf("/api/v1/certificates" + path));
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await web.SendAsync(request);
        return await response.ReadAsync(expected);
    }
}
