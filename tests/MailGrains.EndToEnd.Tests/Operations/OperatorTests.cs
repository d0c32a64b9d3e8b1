using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Operations;

/// <summary>What an operator sees of a running host.</summary>
public sealed class OperatorTests(RunningHost running) : IClassFixture<RunningHost>
{
    [Theory]
    [InlineData("health/live")]
    [InlineData("health/ready")]
    public async Task Health_answers_everybody(string path)
    {
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(path, null));
    }

    [Theory]
    [InlineData("metrics")]
    [InlineData("health")]
    [InlineData("dashboard/")]
    [InlineData("dashboard/ClusterStats")]
    public async Task Metrics_and_dashboard_ask_for_the_operators_key(string path)
    {
        var key = running.Host.Options.ApiKey;
        var basic = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"operator:{key}")));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, null));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, new AuthenticationHeaderValue("Bearer", "wrong")));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(path, new AuthenticationHeaderValue("Bearer", key)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(path, basic));
    }

    [Fact]
    public async Task The_api_and_its_description_are_there()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("api/v1/tenants", null));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("api/v1/tenants", new AuthenticationHeaderValue("Bearer", running.Host.Options.ApiKey)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("openapi/v1.json", null));
    }

    [Fact]
    public async Task A_message_leaves_one_line_in_the_log_and_its_marks_in_the_metrics()
    {
        var reply = await running.SendAsync("Subject: one\r\nMessage-ID: <line@example.org>\r\n\r\nHello", TestContext.Current.CancellationToken);
        var id = reply.Split(' ')[2];
        await running.Host.WaitForLineAsync(l => l.Contains(id, StringComparison.Ordinal), TestContext.Current.CancellationToken);

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        Assert.Single(running.Host.Output.Split('\n'), l => l.Contains(id, StringComparison.Ordinal));

        // What the page says may be a third of a second old.
        string[] names = ["mailgrains_deliveries_total", "mailgrains_smtp_messages_total", "mailgrains_smtp_reply_duration_seconds", "mailgrains_storage_commits_total", "mailgrains_gateway_sessions"];
        foreach (var name in names)
        {
            await Wait.UntilAsync(
                async () => (await running.Admin.GetAsync("metrics", TestContext.Current.CancellationToken)).Contains(name, StringComparison.Ordinal),
                TestContext.Current.CancellationToken,
                name);
        }
    }

    [Fact]
    public async Task Health_tells_how_the_queues_stand()
    {
        var health = System.Text.Json.Nodes.JsonNode.Parse(await running.Admin.GetAsync("health", TestContext.Current.CancellationToken))!;

        Assert.Equal("Healthy", (string)health["status"]!);
        Assert.Equal("Healthy", (string)health["checks"]!["directory"]!["status"]!);
        Assert.Equal(0, (int)health["checks"]!["mail"]!["messages"]!);
        Assert.Empty(health["checks"]!["mail"]!["alarms"]!.AsArray());
    }

    [Fact]
    public async Task A_second_host_on_the_same_folder_says_so_and_ends()
    {
        var second = await Assert.ThrowsAsync<InvalidOperationException>(
            () => HostProcess.StartAsync(new HostOptions { DataFolder = running.Host.Options.DataFolder }, TestContext.Current.CancellationToken));

        Assert.Contains("MailGrains can't start: The data folder", second.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_host_on_the_same_silo_port_says_so_and_ends()
    {
        using var folder = new DataFolder();
        var second = await Assert.ThrowsAsync<InvalidOperationException>(() => HostProcess.StartAsync(
            new HostOptions { DataFolder = folder.Path, SiloPort = running.Host.Options.SiloPort }, TestContext.Current.CancellationToken));

        Assert.Contains("MailGrains:Cluster:SiloPort", second.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_is_told_to_stop_ends_its_sessions_between_transactions()
    {
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(folder.Path, TestContext.Current.CancellationToken);
        using var session = await LineConnection.ConnectAsync(host.Smtp, TestContext.Current.CancellationToken);
        await RunningHost.ReadReplyAsync(session, TestContext.Current.CancellationToken);
        await session.SendAsync("EHLO client.test", TestContext.Current.CancellationToken);
        await RunningHost.ReadReplyAsync(session, TestContext.Current.CancellationToken);
        var stopped = host.StopAsync();

        Assert.StartsWith("421 ", await RunningHost.ReadReplyAsync(session, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(0, await stopped);
    }

    private async Task<HttpStatusCode> StatusAsync(string path, AuthenticationHeaderValue? authorization)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://{running.Host.Http}/") };
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { Authorization = authorization } };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }
}
