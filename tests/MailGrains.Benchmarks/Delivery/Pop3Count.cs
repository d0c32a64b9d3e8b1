using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>Counts messages by POP3's STAT (RFC 1939 §5).</summary>
internal static class Pop3Count
{
    private const int Parallelism = 8;

    public static async Task<long> SumAsync(
        IPEndPoint server, IReadOnlyCollection<string> users, string password, CancellationToken cancellationToken)
    {
        var sum = 0L;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(users, options, async (user, token) => Interlocked.Add(ref sum, await OfAsync(server, user, password, token)));
        return sum;
    }

    private static async Task<long> OfAsync(IPEndPoint server, string user, string password, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server, cancellationToken);
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        async Task<string> AskAsync(string? line)
        {
            if (line is not null)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"), cancellationToken);
            }

            var reply = await reader.ReadLineAsync(cancellationToken);
            return reply?.StartsWith("+OK", StringComparison.Ordinal) == true
                ? reply
                : throw new InvalidOperationException($"POP3 answered '{reply}' for {user}.");
        }

        await AskAsync(null);
        await AskAsync($"USER {user}");
        await AskAsync($"PASS {password}");
        var stat = await AskAsync("STAT");
        await AskAsync("QUIT");
        return long.Parse(stat.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
