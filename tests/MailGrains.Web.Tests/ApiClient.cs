using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace MailGrains.Web.Tests;

/// <summary>Asks the admin API and looks at each answer: its status, and that every error is a problem (RFC 9457).</summary>
internal static class ApiClient
{
    private const string Api = "/api/v1/tenants";

    public static string NewName() => $"t{Guid.NewGuid():n}"[..20];

    /// <summary>A tenant with the domain <c>{tenant}.test</c>.</summary>
    public static async Task<string> NewTenantAsync(this HttpClient client)
    {
        var tenant = NewName();
        await client.PutAsync(HttpStatusCode.Created, $"/{tenant}");
        await client.PutAsync(HttpStatusCode.Created, $"/{tenant}/domains/{tenant}.test");
        return tenant;
    }

    public static Task<JsonNode?> GetAsync(this HttpClient client, HttpStatusCode expected, string path) =>
        client.AskAsync(expected, HttpMethod.Get, path, null);

    public static Task<JsonNode?> PutAsync(this HttpClient client, HttpStatusCode expected, string path, string? json = null) =>
        client.AskAsync(expected, HttpMethod.Put, path, json is null ? null : new StringContent(json, Encoding.UTF8, "application/json"));

    public static Task<JsonNode?> DeleteAsync(this HttpClient client, HttpStatusCode expected, string path) =>
        client.AskAsync(expected, HttpMethod.Delete, path, null);

    /// <summary>The address of a path that goes over the wire as it is: percent-encodings and dots are for the server.</summary>
    public static Uri UriOf(this HttpClient client, string path) => new(
        client.BaseAddress!.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    /// <param name="path">Below the tenants, as it goes over the wire.</param>
    public static async Task<JsonNode?> AskAsync(
        this HttpClient client, HttpStatusCode expected, HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, client.UriOf(Api + path)) { Content = content };
        using var response = await client.SendAsync(request);
        return await response.ReadAsync(expected);
    }

    /// <summary>The body of an answer with that status; an error's must be a problem that says the same.</summary>
    public static async Task<JsonNode?> ReadAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode} instead of {(int)expected}: {text}");
        if ((int)expected < 400)
        {
            return text.Length == 0 ? null : JsonNode.Parse(text);
        }

        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonNode.Parse(text)!;
        Assert.Equal((int)expected, (int)problem["status"]!);
        Assert.NotEmpty((string)problem["title"]!);
        return problem;
    }

    /// <summary>The answer to a PUT with the Location that it names.</summary>
    public static async Task<Uri> LocationOfPutAsync(this HttpClient client, string path, string json = "{}")
    {
        using var content = new StringContent(json, MediaTypeHeaderValue.Parse("application/json"));
        using var response = await client.PutAsync(client.UriOf(Api + path), content);
        await response.ReadAsync(HttpStatusCode.Created);
        return response.Headers.Location!;
    }

    /// <summary>All names of a collection, a page after the other.</summary>
    public static async Task<List<string>> ListAsync(this HttpClient client, string path, string property, int limit)
    {
        var names = new List<string>();
        for (string? after = null; ;)
        {
            var query = $"?limit={limit}{(after is null ? "" : "&after=" + Uri.EscapeDataString(after))}";
            var page = (await client.GetAsync(HttpStatusCode.OK, path + query))!;
            var items = page["items"]!.AsArray();
            Assert.InRange(items.Count, 0, limit);
            names.AddRange(items.Select(item => (string)item![property]!));
            if (page["next"] is not { } next)
            {
                return names;
            }

            after = (string)next!;
        }
    }
}
