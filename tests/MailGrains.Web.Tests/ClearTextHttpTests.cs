using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MailGrains.Web.Tests;

/// <summary>What is answered without TLS where HTTPS is served. The client's address and scheme are said by the test, all else is on the wire.</summary>
public sealed class ClearTextHttpTests : IAsyncLifetime
{
    private const string Peer = "Test-Peer";
    private const string Scheme = "Test-Scheme";
    private const string Elsewhere = "192.0.2.7";

    private readonly List<WebApplication> _apps = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/health/live")]
    [InlineData("HEAD", "/health/ready")]
    [InlineData("GET", "/health/serving")]
    [InlineData("GET", "/.well-known/acme-challenge/a-token_of.some")]
    public async Task Probes_and_challenges_are_answered_in_clear(string method, string path)
    {
        Assert.Equal(200, (await AskAsync(443, method, path, Elsewhere)).Status);
    }

    [Theory]
    [InlineData("GET", "/", "https://mail.example.org/")]
    [InlineData("HEAD", "/dashboard/?a=b%20c&d", "https://mail.example.org/dashboard/?a=b%20c&d")]
    [InlineData("GET", "/health", "https://mail.example.org/health")]
    [InlineData("GET", "/health/live/", "https://mail.example.org/health/live/")]
    [InlineData("GET", "/HEALTH/LIVE", "https://mail.example.org/HEALTH/LIVE")]
    [InlineData("GET", "/.well-known/acme-challenge", "https://mail.example.org/.well-known/acme-challenge")]
    [InlineData("GET", "/.well-known/acme-challenge/../../metrics", "https://mail.example.org/metrics")]
    [InlineData("GET", "/.well-known/acme-challenge/%2e%2e/%2e%2e/metrics", "https://mail.example.org/metrics")]
    [InlineData("GET", "//elsewhere.test/", "https://mail.example.org//elsewhere.test/")]
    [InlineData("GET", "/a%0d%0aSet-Cookie:b", "https://mail.example.org/a%0D%0ASet-Cookie:b")]
    public async Task Other_questions_are_sent_to_https_of_the_host_that_was_asked(string method, string target, string expected)
    {
        var reply = await AskAsync(443, method, target, Elsewhere, "Host: Mail.Example.ORG:8080");

        Assert.Equal((308, expected), (reply.Status, reply.Header("Location")));
        Assert.Null(reply.Header("Set-Cookie"));
    }

    [Theory]
    [InlineData("mail.example.org", "https://mail.example.org:8443/")]
    [InlineData("192.0.2.1:80", "https://192.0.2.1:8443/")]
    [InlineData("[2001:db8::1]:80", "https://[2001:db8::1]:8443/")]
    public async Task A_public_port_that_is_not_443_is_named(string host, string expected)
    {
        Assert.Equal(expected, (await AskAsync(8443, "GET", "/", Elsewhere, $"Host: {host}")).Header("Location"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("bad_host")]
    [InlineData("-a.example")]
    [InlineData("a..example")]
    [InlineData("user@mail.example.org")]
    [InlineData("mail.example.org/evil")]
    [InlineData("mail.example.org:x")]
    [InlineData("[2001:db8::g]")]
    public async Task Nothing_is_sent_to_what_is_no_host(string host)
    {
        var reply = await AskAsync(443, "GET", "/", Elsewhere, $"Host: {host}");

        Assert.Equal((400, null), (reply.Status, reply.Header("Location")));
    }

    [Theory]
    [InlineData("GET", "/api/v1/tenants", "Authorization: Bearer the key")]
    [InlineData("HEAD", "/metrics", "authorization: Basic b3BlcmF0b3I6a2V5")]
    [InlineData("GET", "/", "Authorization:")]
    [InlineData("POST", "/health/live", "A: b")]
    [InlineData("PUT", "/api/v1/tenants/a", "A: b")]
    [InlineData("DELETE", "/.well-known/acme-challenge/a", "A: b")]
    [InlineData("OPTIONS", "/", "A: b")]
    public async Task Orders_and_whatever_carries_a_key_are_refused(string method, string path, string header)
    {
        var reply = await AskAsync(443, method, path, Elsewhere, "Host: mail.example.org", header);

        Assert.Equal((403, null), (reply.Status, reply.Header("Location")));
        Assert.Equal(method == "HEAD" ? null : "application/problem+json", method == "HEAD" ? null : reply.Header("Content-Type"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    public async Task Clients_on_this_machine_are_answered_as_ever(string peer)
    {
        Assert.Equal(200, (await AskAsync(443, "PUT", "/anything", peer, "Host: x", "Authorization: Bearer key")).Status);
    }

    [Theory]
    [InlineData("X-Forwarded-For: 192.0.2.7")]
    [InlineData("Forwarded: for=192.0.2.7")]
    public async Task A_proxy_on_this_machine_lends_its_place_to_nobody(string header)
    {
        Assert.Equal(403, (await AskAsync(443, "PUT", "/anything", "127.0.0.1", "Host: x", header)).Status);
    }

    [Fact]
    public async Task Without_https_all_is_answered_in_clear()
    {
        var reply = await AskAsync(null, "PUT", "/anything", Elsewhere);

        Assert.Equal((200, null), (reply.Status, reply.Header("Strict-Transport-Security")));
    }

    [Fact]
    public async Task Answers_over_https_bind_browsers_to_it()
    {
        var reply = await AskAsync(443, "PUT", "/anything", Elsewhere, "Host: mail.example.org", $"{Scheme}: https");
        Assert.Equal((200, "max-age=15552000"), (reply.Status, reply.Header("Strict-Transport-Security")));

        Assert.Null((await AskAsync(443, "GET", "/", "127.0.0.1", "Host: localhost:8443", $"{Scheme}: https")).Header("Strict-Transport-Security"));
        Assert.Null((await AskAsync(443, "GET", "/", "127.0.0.1", "Host: mail.example.org")).Header("Strict-Transport-Security"));
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }
    }

    /// <summary>The request octet for octet, since clients tidy up targets and hosts.</summary>
    private async Task<Reply> AskAsync(int? publicPort, string method, string target, string peer, params string[] headers)
    {
        var app = await StartAsync(publicPort);
        var lines = headers.Any(h => h.StartsWith("Host:", StringComparison.Ordinal)) ? headers : ["Host: mail.example.org", .. headers];
        var request = $"{method} {target} HTTP/1.1\r\n{string.Join("\r\n", lines)}\r\n{Peer}: {peer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(app.Urls.Single()).Port, Cancellation);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancellation);
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        return new Reply((await reader.ReadToEndAsync(Cancellation)).Split("\r\n\r\n")[0].Split("\r\n"));
    }

    private async Task<WebApplication> StartAsync(int? publicPort)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddMailGrainsWeb(new AdminOptions { ApiKey = "the key" });
        var app = builder.Build();
        app.Use((http, next) =>
        {
            http.Connection.RemoteIpAddress = IPAddress.Parse(http.Request.Headers[Peer].ToString());
            http.Request.Scheme = http.Request.Headers[Scheme] is [{ } scheme] ? scheme : http.Request.Scheme;
            return next(http);
        });
        app.UseMailGrainsWeb(publicPort);
        app.Run(static http => http.Response.WriteAsync("answered"));
        await app.StartAsync(Cancellation);
        _apps.Add(app);
        return app;
    }

    private sealed class Reply(string[] lines)
    {
        public int Status => int.Parse(lines[0].Split(" ")[1], System.Globalization.CultureInfo.InvariantCulture);

        public string? Header(string name) => lines.FirstOrDefault(l => l.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))?[(name.Length + 2)..];
    }
}
