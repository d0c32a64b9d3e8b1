using System.Net;
using System.Net.Sockets;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Connections;

/// <summary>More clients than the process may have files.</summary>
public sealed class ExhaustionTests
{
    private const int Files = 1024;
    private const int MailClients = 300;
    private const int HttpClients = 1_200;

    private const int MostWatches = 15;

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(1);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_no_file_to_spare_the_processor_rests_and_service_returns_when_clients_go()
    {
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(
            new HostOptions { DataFolder = folder.Path, Wrapper = ["prlimit", $"--nofile={Files}:{Files}"] }, Cancel);
        var mail = new List<LineConnection>();
        var http = new List<Socket>();
        try
        {
            var greetings = new List<string>();
            for (var i = 0; i < MailClients; i++)
            {
                mail.Add(await LineConnection.ConnectAsync(host.Smtp, Cancel));
                greetings.Add(await mail[^1].ReadLineAsync(Cancel));
            }

            Assert.StartsWith("220 ", greetings[0], StringComparison.Ordinal);
            Assert.Equal("421 4.3.2 Too many connections, try again later", greetings[^1]);

            for (var i = 0; i < HttpClients; i++)
            {
                http.Add(await ConnectAsync(host.Http));
            }

            await host.WaitForLineAsync(line => line.Contains("No connection can be taken on", StringComparison.Ordinal), Cancel);
            Assert.True(await RestsAsync(host), "The host does not rest while clients hold all its files.");
        }
        finally
        {
            mail.ForEach(c => c.Dispose());
            http.ForEach(s => s.Dispose());
        }

        Assert.False(host.HasExited);
        using var admin = host.NewAdminClient();
        Assert.NotEmpty(await admin.GetAsync("metrics", Cancel));
        using var session = await SmtpSession.OpenAsync(host.Smtp, Cancel);
    }

    // A host that asks again and again never rests; one that has just started still compiles for some seconds.
    private static async Task<bool> RestsAsync(HostProcess host)
    {
        for (var i = 0; i < MostWatches; i++)
        {
            var before = host.ProcessorTime;
            await Task.Delay(Watched, Cancel);
            var used = host.ProcessorTime - before;
            TestContext.Current.TestOutputHelper!.WriteLine($"{used.TotalSeconds:F2} s of processor time in {Watched.TotalSeconds:F0} s");
            if (used < Watched / 5)
            {
                return true;
            }
        }

        return false;
    }

    private static async Task<Socket> ConnectAsync(IPEndPoint server)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, Cancel);
        return socket;
    }
}
