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

        for (var i = 0; i < connections; i += Math.Max(1, connections / Asked))
        {
            await sockets[i].SendAsync("NOOP\r\n"u8.ToArray(), cancellationToken);
            await ExpectAsync(sockets[i], cancellationToken);
        }

        ScaleOptions.Print($"every {Math.Max(1, connections / Asked)}th of them was asked and answered");
        sockets.ForEach(socket => socket.Dispose());
    }

    private static async Task<List<Socket>> ConnectAsync(HostProcess host, int connections, CancellationToken cancellationToken)
    {
        var sockets = new Socket[connections];
        var options = new ParallelOptions { MaxDegreeOfParallelism = Parallelism, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, connections, options, async (i, token) =>
        {
            sockets[i] = await GreetedAsync(i % 2 == 0 ? host.Smtp : host.Pop3, token);
        });
        return [.. sockets];
    }

    private static async Task<Socket> GreetedAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellationToken);
        await ExpectAsync(socket, cancellationToken);
        return socket;
    }

    private static async Task ExpectAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[512];
        var reply = Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, cancellationToken));
        if (!reply.StartsWith('2') && !reply.StartsWith("+OK", StringComparison.Ordinal) && !reply.StartsWith("-ERR", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"The server answered '{reply}'.");
        }
    }
}
