using System.Net;
using System.Net.Sockets;
using System.Text;
using MailGrains.Testing.Hosts;

namespace MailGrains.Benchmarks.Scale;

/// <summary>What a connection costs the host that has been greeted and does nothing: half of them SMTP, half POP3.</summary>
internal static class IdleCommand
{
    private const int Parallelism = 50;
    private const int Asked = 100;

    public static Task RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var options = ScaleOptions.Parse(args, ("--connections", 10_000));
        return options.InFolderAsync(folder => MeasureAsync(folder, options["--connections"], cancellationToken));
    }

    private static async Task MeasureAsync(string folder, int connections, CancellationToken cancellationToken)
    {
        await using var host = await HostProcess.StartAsync(folder, cancellationToken);

        // The first of everything is not what a connection costs.
        (await ConnectAsync(host, Asked, cancellationToken)).ForEach(socket => socket.Dispose());
        var before = host.WorkingSet;
        var sockets = await ConnectAsync(host, connections, cancellationToken);
        var after = host.WorkingSet;
        ScaleOptions.Print($"{connections} idle connections: {before >> 20} MiB before, {after >> 20} MiB after, {(after - before) / 1024.0 / connections:F1} KiB each");

        // An odd step, so that both protocols are asked.
        var step = (connections / Asked) | 1;
        for (var i = 0; i < connections; i += step)
        {
            await sockets[i].SendAsync("NOOP\r\n"u8.ToArray(), cancellationToken);

            // Before the login POP3 has no NOOP (RFC 1939 §5).
            await ExpectAsync(sockets[i], i % 2 == 0 ? "250 " : "-ERR ", cancellationToken);
        }

        ScaleOptions.Print($"one in {step} was asked and answered");
        sockets.ForEach(socket => socket.Dispose());
    }

    private static async Task<List<Socket>> ConnectAsync(HostProcess host, int connections, CancellationToken cancellationToken)
    {
        var sockets = new Socket[connections];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, connections, options, async (i, token) =>
        {
            sockets[i] = i % 2 == 0
                ? await GreetedAsync(host.Smtp, "220 ", token)
                : await GreetedAsync(host.Pop3, "+OK ", token);
        });
        return [.. sockets];
    }

    private static async Task<Socket> GreetedAsync(IPEndPoint server, string greeting, CancellationToken cancellationToken)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellationToken);
        await ExpectAsync(socket, greeting, cancellationToken);
        return socket;
    }

    /// <exception cref="InvalidOperationException">It was answered otherwise, such as that there are too many connections.</exception>
    private static async Task ExpectAsync(Socket socket, string start, CancellationToken cancellationToken)
    {
        var buffer = new byte[512];
        var reply = Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, cancellationToken));
        if (!reply.StartsWith(start, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The server answered '{reply}' where '{start}' was expected.");
        }
    }
}
