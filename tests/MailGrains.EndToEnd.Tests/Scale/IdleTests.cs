using MailGrains.EndToEnd.Tests.Clients;

namespace MailGrains.EndToEnd.Tests.Scale;

/// <summary>A tenth of the ten thousand connections that the benchmark <c>idle</c> holds; at a hundredth the collector's moods are larger.</summary>
[Collection(Alone.Name)]
public sealed class IdleTests(RunningHost running) : IClassFixture<RunningHost>
{
    private const int Connections = 1_000;
    private const int WarmUp = 200;
    private const int Parallelism = 50;
    private const long MaxBytesEach = 30 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_idle_connections_cost_under_thirty_KiB_each_and_all_of_them_still_answer()
    {
        // The first of everything is not what a connection costs.
        foreach (var connection in await ConnectAsync(WarmUp))
        {
            connection.Dispose();
        }

        var before = running.Host.WorkingSet;
        var connections = await ConnectAsync(Connections);
        try
        {
            var each = (running.Host.WorkingSet - before) / Connections;
            TestContext.Current.TestOutputHelper!.WriteLine($"{each / 1024.0:F1} KiB each");
            Assert.True(each < MaxBytesEach, $"A connection costs {each} bytes.");
            foreach (var connection in connections)
            {
                await connection.SendAsync("NOOP", Cancel);
            }

            // Before the login POP3 has no NOOP (RFC 1939 §5).
            var replies = await Task.WhenAll(connections.Select(c => c.ReadLineAsync(Cancel)));
            Assert.Equal(Connections / 2, replies.Count(r => r.StartsWith("250 ", StringComparison.Ordinal)));
            Assert.Equal(Connections / 2, replies.Count(r => r.StartsWith("-ERR", StringComparison.Ordinal)));
        }
        finally
        {
            Array.ForEach(connections, c => c.Dispose());
        }
    }

    /// <summary>Connections that have been greeted, half SMTP, half POP3.</summary>
    private async Task<LineConnection[]> ConnectAsync(int count)
    {
        var connections = new LineConnection[count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = Cancel };
        await Parallel.ForAsync(0, count, options, async (i, token) =>
        {
            var server = i % 2 == 0 ? running.Host.Smtp : running.Host.Pop3;
            connections[i] = await LineConnection.ConnectAsync(server, token);
            await connections[i].ReadLineAsync(token);
        });
        return connections;
    }
}
