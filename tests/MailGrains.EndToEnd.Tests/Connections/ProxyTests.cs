using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Connections;

/// <summary>haproxy before the host, which trusts nobody and grants each address one connection.</summary>
public sealed class ProxyTests
{
    private const string ProxyAddress = "127.0.0.3";

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(50);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Budgets_are_those_of_the_client_behind_the_proxy_and_nobody_else_can_name_an_address()
    {
        using var folder = new DataFolder();
        await using var host = await HostProcess.StartAsync(new HostOptions { DataFolder = folder.Path, Settings = Settings() }, Cancel);
        var (first, second) = (FreePort.Choose(), FreePort.Choose());
        using var haproxy = Start(folder.Path, host.Smtp, first, second);
        try
        {
            foreach (var (port, network) in new[] { (first, "127.0.1"), (second, "127.0.2") })
            {
                using var one = await GreetedAsync(port, $"{network}.8");
                Assert.StartsWith("220 ", one.Greeting, StringComparison.Ordinal);
                using var again = await GreetedAsync(port, $"{network}.8");
                Assert.Equal("421 4.7.0 Too many open connections from your address, try again later", again.Greeting);
                using var other = await GreetedAsync(port, $"{network}.9");
                Assert.StartsWith("220 ", other.Greeting, StringComparison.Ordinal);
            }

            using var direct = await GreetedAsync(host.Smtp.Port, "127.0.0.7");
            Assert.StartsWith("500 5.5.", await direct.AskAsync("PROXY TCP4 192.0.2.1 192.0.2.2 1000 25"), StringComparison.Ordinal);
            using var same = await GreetedAsync(host.Smtp.Port, "127.0.0.7");
            Assert.StartsWith("421 4.7.0 ", same.Greeting, StringComparison.Ordinal);
        }
        finally
        {
            haproxy.Kill();
            await haproxy.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static Dictionary<string, string> Settings() => new()
    {
        ["MailGrains:Smtp:TrustedNetworks"] = "",
        ["MailGrains:Smtp:ReverseNames"] = "false",
        ["MailGrains:Smtp:GreetDelay"] = "00:00:00",
        ["MailGrains:Smtp:Limits:Connections"] = "1",
        ["MailGrains:Proxy:Networks:0"] = ProxyAddress,
    };

    private static Process Start(string folder, IPEndPoint server, int first, int second)
    {
        var configuration = Path.Combine(folder, "haproxy.cfg");
        File.WriteAllText(configuration, $"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            listen first
              bind 127.0.0.1:{first}
              source {ProxyAddress}
              server host {server} send-proxy
            listen second
              bind 127.0.0.1:{second}
              source {ProxyAddress}
              server host {server} send-proxy-v2 proxy-v2-options crc32c

            """);
        return Process.Start(new ProcessStartInfo(DebianProgram.Require("haproxy", "haproxy"), ["-db", "-q", "-f", configuration]))!;
    }

    private static async Task<Client> GreetedAsync(int port, string from)
    {
        while (true)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Cancel);
                var client = new Client(new NetworkStream(socket, ownsSocket: true));
                await client.ReadGreetingAsync();
                return client;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // haproxy has just been started.
                socket.Dispose();
                await Task.Delay(LookAgainAfter, Cancel);
            }
        }
    }

    private sealed class Client(NetworkStream stream) : IDisposable
    {
        private readonly StreamReader _reader = new(stream, Encoding.ASCII);

        public string Greeting { get; private set; } = "";

        public async Task ReadGreetingAsync() => Greeting = await _reader.ReadLineAsync(Cancel) ?? "";

        public async Task<string> AskAsync(string line)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(line + "\r\n"), Cancel);
            return await _reader.ReadLineAsync(Cancel) ?? "";
        }

        public void Dispose() => _reader.Dispose();
    }
}
