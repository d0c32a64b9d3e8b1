using System.Globalization;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.EndToEnd.Tests.Relay;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Releases;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>The release before this one and this one on one store: each reads what the other wrote, and both run in one cluster.</summary>
public sealed class ReleasesTests(ITestOutputHelper output)
{
    private const string LateServer = "late.test";
    private const string Forwarder = "forward@roll.test";
    private const int LateMessages = 10;

    // SMTP, POP3, HTTP.
    private static readonly string[] Temporary = [": 451 4.3.0", "[SYS/TEMP]", "503 (Service Unavailable)"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(25);

    [Fact]
    public async Task A_service_goes_from_the_release_before_to_this_one_and_back_while_it_is_used()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var cancel = limit.Token;
        var previous = await PreviousRelease.HostAssemblyAsync(cancel);
        await using var other = new MailServer();
        var latePort = FreePort.Choose();
        await using var dns = DnsServer.Start();
        await using var azurite = await AzuriteServer.StartAsync(cancel);
        var account = azurite.NewAccount();
        await using var fleet = new Fleet(account, Settings(dns, other, latePort));
        var traffic = new Traffic();

        // The release before writes.
        await fleet.StartAsync(previous, cancel);
        await fleet.StartAsync(previous, cancel);
        await traffic.PrepareAsync(fleet, cancel);
        var rewritten = await ForwardAsync(fleet, other, cancel);
        for (var number = 1; number <= LateMessages; number++)
        {
            Assert.Equal(250, await SendAsync(fleet, new TestMessage(number, number == 1 ? 200_000 : 2_000, [$"bob@{LateServer}"]), cancel));
        }

        await DuringAsync(fleet, traffic, cancel);

        // This one takes over, reads it all, sends what waits, and knows the rewritten sender.
        await DuringAsync(fleet, traffic, cancel, () => ReplaceAsync(fleet, program: null, announces: false, cancel), () => ReplaceAsync(fleet, program: null, announces: false, cancel));
        await traffic.VerifyAsync(fleet.Hosts[^1], other, cancel);
        Assert.Equal(250, await BounceAsync(fleet, rewritten, cancel));
        await using (var late = new MailServer(port: latePort))
        {
            await Wait.UntilAsync(() => late.Taken.Count >= LateMessages, cancel);
            Assert.Equal(Enumerable.Range(1, LateMessages), Traffic.Numbers(late).Order());
        }

        // And back: what this one has written is read by the one before.
        await DuringAsync(fleet, traffic, cancel, () => ReplaceAsync(fleet, previous, announces: true, cancel), () => fleet.StopOldestAsync());
        await traffic.VerifyAsync(fleet.Hosts[^1], other, cancel);
        Assert.Equal(250, await BounceAsync(fleet, rewritten, cancel));

        output.WriteLine($"{traffic}: {string.Join("; ", traffic.Failures)}");
        Assert.Empty(fleet.Balancer.Refused);

        // The first one did not ask again when a silo had gone; its clients do.
        Assert.True(traffic.Failures.IsEmpty || await PreviousRelease.IsFirstAsync(cancel), string.Join('\n', traffic.Failures));
        Assert.All(traffic.Failures, failure => Assert.Contains(Temporary, answer => failure.Contains(answer, StringComparison.Ordinal)));
        while (fleet.Hosts.Count > 0)
        {
            await fleet.StopOldestAsync();
        }

        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        Assert.All(await SiloStanding.ReadAsync(accounts, cancel), silo => Assert.True(silo.HasLeft, $"{silo}"));
        await StoreCheck.RunAsync(accounts, traffic.Mailboxes, cancel);
    }

    private static Dictionary<string, string> Settings(DnsServer dns, MailServer other, int latePort)
    {
        var settings = RollOverTests.Settings(dns, other);
        settings["MailGrains:Relay:Routes:0:Domain"] = LateServer;
        settings["MailGrains:Relay:Routes:0:Host"] = "127.0.0.1";
        settings["MailGrains:Relay:Routes:0:Port"] = latePort.ToString(CultureInfo.InvariantCulture);
        settings["MailGrains:Queues:RetryAfter:0"] = "00:00:01";
        settings["MailGrains:Relay:Limits:FirstBackOff"] = "00:00:02";
        settings["MailGrains:Relay:Limits:MaxBackOff"] = "00:00:02";
        return settings;
    }

    /// <summary>Runs the clients while the steps are taken, and some time before and after each.</summary>
    private async Task DuringAsync(Fleet fleet, Traffic traffic, CancellationToken cancel, params Func<Task>[] steps)
    {
        var running = traffic.RunAsync(fleet, keepsAlive: false, cancel);
        await traffic.ProgressAsync(acknowledged: 100, collected: 10, cancel);
        foreach (var step in steps)
        {
            await step();
            output.WriteLine($"So far {traffic}.");
            await traffic.ProgressAsync(acknowledged: 100, collected: 10, cancel);
        }

        traffic.Stop();
        await running;
    }

    private static async Task ReplaceAsync(Fleet fleet, string? program, bool announces, CancellationToken cancel)
    {
        await fleet.StartAsync(program, cancel);
        await fleet.StopOldestAsync(announces);
    }

    /// <summary>Sends a message to an alias that leads to the other server; the sender that this one is told.</summary>
    private static async Task<string> ForwardAsync(Fleet fleet, MailServer other, CancellationToken cancel)
    {
        using (var admin = fleet.NewAdminClient())
        {
            await admin.PutAliasAsync(Traffic.Tenant, Forwarder, [$"joe@{Traffic.OtherServer}"], cancel);
        }

        Assert.Equal(250, await SendAsync(fleet, new TestMessage(0, 1_000, [Forwarder]), cancel));
        await Wait.UntilAsync(() => !other.Taken.IsEmpty, cancel);
        Assert.True(other.Taken.TryDequeue(out var forwarded));
        Assert.StartsWith("SRS0=", forwarded.From, StringComparison.Ordinal);
        return forwarded.From;
    }

    /// <summary>Whether a bounce to a rewritten sender is taken.</summary>
    private static async Task<int> BounceAsync(Fleet fleet, string rewritten, CancellationToken cancel)
    {
        using var connection = await LineConnection.ConnectAsync(fleet.Balancer.EndPoint("smtp"), cancel);
        await RunningHost.ReadReplyAsync(connection, cancel);
        var reply = "";
        foreach (var line in new[] { "EHLO client.test", "MAIL FROM:<>", $"RCPT TO:<{rewritten}>" })
        {
            await connection.SendAsync(line, cancel);
            reply = await RunningHost.ReadReplyAsync(connection, cancel);
        }

        return int.Parse(reply.AsSpan(0, 3), CultureInfo.InvariantCulture);
    }

    private static async Task<int> SendAsync(Fleet fleet, TestMessage message, CancellationToken cancel)
    {
        using var session = await SmtpSession.OpenAsync(fleet.Balancer.EndPoint("smtp"), cancel);
        return (await session.SendAsync(message, cancellationToken: cancel)).Code;
    }
}
