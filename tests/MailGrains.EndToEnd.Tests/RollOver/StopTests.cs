using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>What a host's clients see of it when it is told to stop, and that its silo leaves in order whatever they do.</summary>
public sealed class StopTests(ITestOutputHelper output)
{
    private const string Mailbox = "one@stop.test";
    private const string Password = "in good order";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task During_the_notice_the_process_is_not_ready_and_serves_whoever_comes()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Notice", "00:30:00"), ("Drain:Limit", "00:31:00"));
        using var earlier = await OpenSmtpAsync(host);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{host.Http}/") };
        Assert.Null((await http.GetAsync("health/ready", Cancel)).EnsureSuccessStatusCode().Headers.ConnectionClose);

        host.Terminate();
        await host.WaitForLineAsync(l => l.Contains("not ready any more", StringComparison.Ordinal), Cancel);

        using var ready = await http.GetAsync("health/ready", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.True(ready.Headers.ConnectionClose);
        foreach (var still in new[] { "health/live", "health/serving" })
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(still, Cancel)).StatusCode);
        }

        Assert.StartsWith("250 ", await DeliverAsync(earlier, 1), StringComparison.Ordinal);
        using (var newcomer = await OpenSmtpAsync(host))
        {
            Assert.StartsWith("250 ", await DeliverAsync(newcomer, 2), StringComparison.Ordinal);
        }

        using (var reader = await Pop3Session.LogInAsync(host.Pop3, Mailbox, Password, Cancel))
        {
            Assert.Equal(2, (await reader.ListAsync(Cancel)).Count);
        }

        // The second signal ends the notice.
        host.Terminate();
        Assert.StartsWith("421 ", await RunningHost.ReadReplyAsync(earlier, Cancel), StringComparison.Ordinal);
        Assert.Equal(0, await host.WaitForExitAsync());
        await LeftInOrderAsync(folder);
    }

    [Fact]
    public async Task Each_session_ends_where_its_protocol_lets_it()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder);
        using (var sender = await OpenSmtpAsync(host))
        {
            await DeliverAsync(sender, 1);
        }

        using var idle = await OpenSmtpAsync(host);
        using var begun = await OpenSmtpAsync(host);
        await AskAsync(begun, "MAIL FROM:<a@client.test>");
        using var sending = await OpenSmtpAsync(host);
        await BeginAsync(sending, 2);
        using var silent = await OpenPop3Async(host, logIn: false);
        using var pausing = await OpenPop3Async(host);
        await AskAsync(pausing, "DELE 1");
        using var reading = await OpenPop3Async(host);
        await AskAsync(reading, "DELE 1");
        using var kept = await KeepAliveAsync(host);

        host.Terminate();
        Assert.StartsWith("421 4.3.2 ", await RunningHost.ReadReplyAsync(idle, Cancel), StringComparison.Ordinal);

        // At once: there are seconds for the next command.
        await reading.SendAsync("NOOP\r\nQUIT", Cancel);
        await begun.SendAsync($"RCPT TO:<{Mailbox}>\r\nDATA", Cancel);
        Assert.Equal("+OK done", await reading.ReadLineAsync(Cancel));
        Assert.StartsWith("+OK", await reading.ReadLineAsync(Cancel), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await FinishAsync(sending), StringComparison.Ordinal);
        Assert.StartsWith("421 4.3.2 ", await RunningHost.ReadReplyAsync(sending, Cancel), StringComparison.Ordinal);
        Assert.StartsWith("250 ", await RunningHost.ReadReplyAsync(begun, Cancel), StringComparison.Ordinal);
        Assert.StartsWith("354 ", await RunningHost.ReadReplyAsync(begun, Cancel), StringComparison.Ordinal);
        await begun.SendAsync(ContentOf(3), Cancel);
        Assert.StartsWith("250 ", await FinishAsync(begun), StringComparison.Ordinal);
        Assert.StartsWith("421 4.3.2 ", await RunningHost.ReadReplyAsync(begun, Cancel), StringComparison.Ordinal);
        foreach (var session in new[] { silent, pausing })
        {
            Assert.StartsWith("-ERR [SYS/TEMP] ", await session.ReadLineAsync(Cancel), StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<EndOfStreamException>(() => kept.ReadLineAsync(Cancel));
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.DoesNotContain("are cut off", host.Output, StringComparison.Ordinal);
        await LeftInOrderAsync(folder);

        await using var again = await HostProcess.StartAsync(host.Options, Cancel);
        using var reader = await Pop3Session.LogInAsync(again.Pop3, Mailbox, Password, Cancel);
        var left = new List<int>();
        foreach (var (number, _) in await reader.ListAsync(Cancel))
        {
            left.Add(TestMessage.Find(await reader.RetrieveAsync(number, Cancel)).Number);
        }

        Assert.Equal([2, 3], left);
    }

    [Fact]
    public async Task A_client_of_HTTP_2_has_its_answer_and_is_told_to_come_again_by_another_connection()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Notice", "00:30:00"), ("Drain:Limit", "00:31:00"), ("Endpoints:Https", "127.0.0.1:0"));
        var connections = 0;
        using var handler = new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
            ConnectCallback = async (_, cancel) =>
            {
                Interlocked.Increment(ref connections);
                var socket = new Socket(host.Https.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(host.Https, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{host.Https}/"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        async Task AskAsync() => Assert.Equal("Healthy", await http.GetStringAsync("health/live", Cancel));
        await AskAsync();
        await AskAsync();
        Assert.Equal(1, connections);

        host.Terminate();
        await host.WaitForLineAsync(l => l.Contains("not ready any more", StringComparison.Ordinal), Cancel);
        await AskAsync();
        Assert.Equal(1, connections);

        // GOAWAY comes beside that answer, and counts once the client has read it.
        await Wait.UntilAsync(
            async () =>
            {
                await AskAsync();
                return connections > 1;
            },
            Cancel);
        host.Terminate();
        Assert.Equal(0, await host.WaitForExitAsync());
        await LeftInOrderAsync(folder);
    }

    [Fact]
    public async Task A_session_that_does_not_end_is_cut_off_and_the_silo_has_its_time()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Limit", "00:00:14"));
        using var endless = await OpenSmtpAsync(host);
        await BeginAsync(endless, 1);

        host.Terminate();
        await Assert.ThrowsAnyAsync<IOException>(() => endless.ReadLineAsync(Cancel));
        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Contains("1 sessions have not ended and are cut off", host.Output, StringComparison.Ordinal);
        await LeftInOrderAsync(folder);
    }

    [Fact]
    public async Task A_stop_that_takes_longer_than_it_may_is_broken_off_and_says_so()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Limit", "00:00:00.001"));
        using var endless = await OpenSmtpAsync(host);
        await BeginAsync(endless, 1);

        Assert.Equal(1, await host.StopAsync());
        Assert.Contains("MailGrains ended: the stop took longer than 00:00:00.0010000 and was broken off.", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_cuts_off_what_the_first_one_waits_for()
    {
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Limit", "00:30:00"));
        using var endless = await OpenSmtpAsync(host);
        await BeginAsync(endless, 1);
        using var idle = await OpenSmtpAsync(host);

        host.Terminate();
        Assert.StartsWith("421 ", await RunningHost.ReadReplyAsync(idle, Cancel), StringComparison.Ordinal);
        host.Terminate();
        await Assert.ThrowsAnyAsync<IOException>(() => endless.ReadLineAsync(Cancel));
        Assert.Equal(0, await host.WaitForExitAsync());
        await LeftInOrderAsync(folder);
    }

    [Fact]
    public async Task A_hundred_idle_sessions_and_ten_thousand_active_grains_do_not_hold_a_stop_up()
    {
        const int Sessions = 100;
        const int Transactions = 10;
        const int Recipients = 1_000;
        using var folder = new DataFolder();
        await using var host = await StartAsync(folder, ("Drain:Limit", "00:02:00"));
        var idle = new List<LineConnection>();
        while (idle.Count < Sessions)
        {
            idle.Add(await OpenSmtpAsync(host));
        }

        // Each address is a grain.
        using var asking = await OpenSmtpAsync(host);
        for (var i = 0; i < Transactions; i++)
        {
            await AskAsync(asking, "MAIL FROM:<a@client.test>");
            await asking.SendAsync(string.Join("\r\n", Enumerable.Range(0, Recipients).Select(n => $"RCPT TO:<one+{i}.{n}@stop.test>")), Cancel);
            for (var n = 0; n < Recipients; n++)
            {
                Assert.StartsWith("250 ", await RunningHost.ReadReplyAsync(asking, Cancel), StringComparison.Ordinal);
            }

            await AskAsync(asking, "RSET");
        }

        var watch = Stopwatch.StartNew();
        host.Terminate();
        Assert.All(await Task.WhenAll(idle.Select(session => RunningHost.ReadReplyAsync(session, Cancel))), reply => Assert.StartsWith("421 ", reply, StringComparison.Ordinal));
        output.WriteLine($"All idle sessions had their 421 after {watch.Elapsed.TotalMilliseconds:F0} ms.");
        Assert.Equal(0, await host.WaitForExitAsync());
        idle.ForEach(session => session.Dispose());
        output.WriteLine($"The process had ended after {watch.Elapsed.TotalMilliseconds:F0} ms.");
        Assert.DoesNotContain("are cut off", host.Output, StringComparison.Ordinal);
        await LeftInOrderAsync(folder);
    }

    [Fact]
    public async Task A_process_that_waits_for_its_store_ends_when_it_is_told_to()
    {
        using var folder = new DataFolder();
        var port = FreePort.Choose();
        await using var host = HostProcess.Launch(new HostOptions
        {
            DataFolder = folder.Path,
            Settings = new Dictionary<string, string>
            {
                ["MailGrains:Storage:Provider"] = "Azure",
                ["MailGrains:Storage:StartTimeout"] = "00:10:00",
                ["MailGrains:Storage:Accounts:0:ConnectionString"] =
                    $"DefaultEndpointsProtocol=http;AccountName=nobody;AccountKey=bm9ib2R5;BlobEndpoint=http://127.0.0.1:{port}/nobody;TableEndpoint=http://127.0.0.1:{port}/nobody;",
            },
        });
        await host.WaitForLineAsync(l => l.Contains("torage", StringComparison.Ordinal), Cancel);

        Assert.Equal(0, await host.StopAsync());
        Assert.DoesNotContain("MailGrains ready", host.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("No TLS certificate is configured")]
    [InlineData("Version 2 of the cluster")]
    public async Task A_process_that_still_starts_ends_when_it_is_told_to_and_leaves_no_silo_behind(string line)
    {
        using var folder = new DataFolder();
        await using var host = HostProcess.Launch(new HostOptions { DataFolder = folder.Path });
        await host.WaitForLineAsync(l => l.Contains(line, StringComparison.Ordinal), Cancel);

        Assert.Equal(0, await host.StopAsync());
        await using var store = SqliteStore.Open(new SqliteStoreOptions { Path = folder.Path });
        Assert.All(await SiloStanding.ReadAsync(store.Accounts, Cancel), silo => Assert.True(silo.HasLeft, $"{silo}"));
    }

    private static async Task<HostProcess> StartAsync(DataFolder folder, params (string Name, string Value)[] settings)
    {
        var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = folder.Path, Settings = settings.ToDictionary(s => $"MailGrains:{s.Name}", s => s.Value) }, Cancel);
        using var admin = host.NewAdminClient();
        await admin.PutMailboxesAsync("stop", [Mailbox], Password, Cancel);
        return host;
    }

    private static async Task LeftInOrderAsync(DataFolder folder)
    {
        await using var store = SqliteStore.Open(new SqliteStoreOptions { Path = folder.Path });
        var silo = Assert.Single(await SiloStanding.ReadAsync(store.Accounts, Cancel));
        Assert.True(silo.HasLeft, $"{silo}");
    }

    /// <summary>After EHLO.</summary>
    private static async Task<LineConnection> OpenSmtpAsync(HostProcess host)
    {
        var session = await LineConnection.ConnectAsync(host.Smtp, Cancel);
        await RunningHost.ReadReplyAsync(session, Cancel);
        await AskAsync(session, "EHLO client.test");
        return session;
    }

    private static async Task<LineConnection> OpenPop3Async(HostProcess host, bool logIn = true)
    {
        var session = await LineConnection.ConnectAsync(host.Pop3, Cancel);
        await session.ReadLineAsync(Cancel);
        if (logIn)
        {
            await AskAsync(session, $"USER {Mailbox}");
            await AskAsync(session, $"PASS {Password}");
        }

        return session;
    }

    /// <summary>A connection that has had one answer and could have more.</summary>
    private static async Task<LineConnection> KeepAliveAsync(HostProcess host)
    {
        var connection = await LineConnection.ConnectAsync(host.Http, Cancel);
        await connection.SendAsync("GET /health/live HTTP/1.1\r\nHost: stop.test\r\n", Cancel);
        string line;
        do
        {
            line = await connection.ReadLineAsync(Cancel);
        }
        while (line != "0");

        // Behind the last chunk.
        Assert.Empty(await connection.ReadLineAsync(Cancel));
        return connection;
    }

    private static async Task<string> DeliverAsync(LineConnection session, int number)
    {
        await BeginAsync(session, number);
        return await FinishAsync(session);
    }

    private static async Task BeginAsync(LineConnection session, int number)
    {
        foreach (var line in new[] { "MAIL FROM:<a@client.test> BODY=8BITMIME", $"RCPT TO:<{Mailbox}>", "DATA" })
        {
            await AskAsync(session, line);
        }

        await session.SendAsync(ContentOf(number), Cancel);
    }

    private static async Task<string> FinishAsync(LineConnection session)
    {
        await session.SendAsync(".", Cancel);
        return await RunningHost.ReadReplyAsync(session, Cancel);
    }

    private static byte[] ContentOf(int number) => new TestMessage(number, 2_000, [Mailbox]).StuffedContent();

    /// <summary>The first word of the reply, which must not be a refusal.</summary>
    private static async Task<string> AskAsync(LineConnection session, string line)
    {
        await session.SendAsync(line, Cancel);
        var reply = await RunningHost.ReadReplyAsync(session, Cancel);
        Assert.True(reply[0] is '2' or '3' or '+', $"{line}: {reply}");
        return reply.Split(' ')[0];
    }
}
