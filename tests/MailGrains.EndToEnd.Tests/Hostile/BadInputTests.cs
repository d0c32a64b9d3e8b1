using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using MailGrains.EndToEnd.Tests.Clients;

namespace MailGrains.EndToEnd.Tests.Hostile;

/// <summary>
/// What a client may send or leave: each is answered or cut off, in bounded time and memory, and a message beside it is taken as ever.
/// </summary>
[Collection(Alone.Name)]
public sealed class BadInputTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const int Clients = 50;
    private const int Megabyte = 1024 * 1024;

    // What one client may hold (buffers of line, pipe and socket, some 200 KiB) times the clients, and what the collector lets lie.
    private const long MaxGrowthBytes = 96L * Megabyte;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // A write that has not ended by then waits for a server that does not read.
    private static readonly TimeSpan Blocked = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Binary_noise_ends_in_errors() => BoundedAsync(() => ManyAsync(async client =>
    {
        var noise = new byte[2 * Megabyte];
        new Random(client).NextBytes(noise);
        using var socket = await running.ConnectBareAsync(Cancel);
        var replies = await ExchangeAsync(socket, noise);

        Assert.StartsWith("220 ", replies, StringComparison.Ordinal);
        Assert.Contains("\r\n500 5.5.", replies, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\n250 ", replies, StringComparison.Ordinal);
    }));

    [Fact]
    public Task A_line_without_end_is_an_error_and_is_not_kept() => BoundedAsync(() => ManyAsync(async _ =>
    {
        var line = new byte[8 * Megabyte];
        line.AsSpan().Fill((byte)'A');
        using var socket = await running.ConnectBareAsync(Cancel);
        var replies = await ExchangeAsync(socket, line);

        Assert.DoesNotContain("250", replies, StringComparison.Ordinal);
        Assert.True(Replies(replies) <= 3, replies);
    }));

    [Fact]
    public Task A_hundred_thousand_recipients_are_answered_one_by_one_and_not_kept() => BoundedAsync(async () =>
    {
        const int Recipients = 100_000;
        using var connection = await running.ConnectAsync(Cancel);
        await connection.SendAsync("EHLO client.test", Cancel);
        await RunningHost.ReadReplyAsync(connection, Cancel);
        await connection.SendAsync("MAIL FROM:<a@example.org>", Cancel);
        await RunningHost.ReadReplyAsync(connection, Cancel);
        var sending = SendRecipientsAsync(connection, Recipients);
        var answers = new Dictionary<string, int>();
        try
        {
            for (var i = 0; i < Recipients; i++)
            {
                var code = (await RunningHost.ReadReplyAsync(connection, Cancel))[..9];
                answers[code] = answers.GetValueOrDefault(code) + 1;
            }
        }
        catch (IOException)
        {
            // The server has had enough.
        }

        await sending;
        Assert.InRange(answers["250 2.1.5"], 100, 10_000);
        Assert.True(answers.Keys.All(code => code is "250 2.1.5" or "452 4.5.3" or "421 4.7.0"), string.Join(", ", answers.Keys));
    });

    [Fact]
    public Task A_NUL_in_a_command_or_in_the_content_is_refused() => BoundedAsync(() => ManyAsync(async _ =>
    {
        var before = await running.CountAsync(Cancel);
        using var connection = await running.ConnectAsync(Cancel);
        await connection.SendAsync("EHLO client\0.test", Cancel);
        Assert.StartsWith("5", await RunningHost.ReadReplyAsync(connection, Cancel), StringComparison.Ordinal);

        Assert.StartsWith("550 5.6.0 ", await running.SendAsync("Subject: nul\r\n\r\nA\0B", Cancel), StringComparison.Ordinal);
        Assert.Equal(before, await running.CountAsync(Cancel));
    }, clients: 1));

    [Fact]
    public Task Clients_that_send_a_byte_and_no_more_hold_up_nobody() => BoundedAsync(async () =>
    {
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < 10 * Clients; i++)
            {
                idle.Add(await running.ConnectBareAsync(Cancel));
                await idle[i].SendAsync("E"u8.ToArray(), Cancel);
            }

            var clock = Stopwatch.StartNew();
            Assert.StartsWith("250 ", await running.SendAsync("Subject: beside\r\n\r\nHello", Cancel), StringComparison.Ordinal);
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"{clock.Elapsed}");
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    });

    [Fact]
    public Task A_client_that_never_reads_is_read_no_more() => BoundedAsync(() => ManyAsync(async _ =>
    {
        // A HELP is answered with more octets than it has: who reads no answers would fill the server's memory.
        var commands = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("HELP\r\n", 10_000)));
        using var socket = await running.ConnectBareAsync(Cancel);
        Assert.True(await WriteUntilBlockedAsync(socket, commands, mostBytes: 64 * Megabyte), "The server went on reading.");
    }));

    [Fact]
    public Task A_reader_that_stops_in_the_middle_of_a_large_message_costs_a_buffer() => BoundedAsync(async () =>
    {
        var line = new string('x', 998) + "\r\n";
        var large = $"Subject: large\r\n\r\n{string.Concat(Enumerable.Repeat(line, 16 * 1024))}";
        Assert.StartsWith("250 ", await running.SendAsync(large, Cancel), StringComparison.Ordinal);
        await ManyAsync(async _ =>
        {
            using var connection = await LineConnection.ConnectAsync(running.Host.Pop3, Cancel);
            await connection.ReadLineAsync(Cancel);
            foreach (var command in new[] { $"USER {RunningHost.Mailbox}", $"PASS {RunningHost.Password}", "STAT" })
            {
                await connection.SendAsync(command, Cancel);
                var reply = await connection.ReadLineAsync(Cancel);
                Assert.StartsWith("+OK", reply, StringComparison.Ordinal);
                if (command == "STAT")
                {
                    await connection.SendAsync($"RETR {reply.Split(' ')[1]}", Cancel);
                }
            }

            // The first line of the answer, and none of the megabytes behind it.
            Assert.StartsWith("+OK", await connection.ReadLineAsync(Cancel), StringComparison.Ordinal);
        });
    });

    private async Task BoundedAsync(Func<Task> act)
    {
        // The first of everything is not what is measured.
        await running.SendAsync("Subject: warm\r\n\r\nHello", Cancel);
        await running.CountAsync(Cancel);
        var before = running.Host.WorkingSet;
        running.Host.ResetPeak();
        var clock = Stopwatch.StartNew();

        await act();
        Assert.StartsWith("250 ", await running.SendAsync("Subject: after\r\n\r\nHello", Cancel), StringComparison.Ordinal);

        var growth = running.Host.PeakWorkingSet - before;
        TestContext.Current.TestOutputHelper!.WriteLine($"{clock.Elapsed.TotalSeconds:0.0} s, {growth / Megabyte} MiB more at the peak");
        Assert.True(growth < MaxGrowthBytes, $"The working set grew by {growth / Megabyte} MiB.");
        Assert.True(clock.Elapsed < Limit, $"It took {clock.Elapsed}.");
    }

    private static Task ManyAsync(Func<int, Task> client, int clients = Clients) => Task.WhenAll(Enumerable.Range(0, clients).Select(client));

    private static int Replies(string text) => text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Count(l => l.Length > 3 && l[3] == ' ');

    private static async Task SendRecipientsAsync(LineConnection connection, int recipients)
    {
        try
        {
            for (var i = 0; i < recipients; i += 100)
            {
                var lines = string.Join("\r\n", Enumerable.Range(i, 100).Select(n => $"RCPT TO:<one+{n}@running.test>"));
                await connection.SendAsync(lines, Cancel);
            }
        }
        catch (IOException)
        {
            // The server has closed the connection.
        }
    }

    /// <summary>Sends all of it while it reads what comes back, to the end of the connection.</summary>
    private static async Task<string> ExchangeAsync(Socket socket, byte[] octets)
    {
        var sending = SendAllAsync(socket, octets);
        var replies = new StringBuilder();
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, Cancel) is > 0 and var read)
            {
                replies.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // Reset: the server closed while octets were on their way to it.
        }

        await sending;
        return replies.ToString();
    }

    private static async Task SendAllAsync(Socket socket, byte[] octets)
    {
        try
        {
            for (var sent = 0; sent < octets.Length;)
            {
                sent += await socket.SendAsync(octets.AsMemory(sent), Cancel);
            }

            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // As above.
        }
    }

    private static async Task<bool> WriteUntilBlockedAsync(Socket socket, byte[] octets, long mostBytes)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        for (var sent = 0L; sent < mostBytes;)
        {
            limit.CancelAfter(Blocked);
            try
            {
                sent += await socket.SendAsync(octets, limit.Token);
            }
            catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
            {
                return true;
            }
            catch (SocketException)
            {
                return true;
            }
        }

        return false;
    }
}
