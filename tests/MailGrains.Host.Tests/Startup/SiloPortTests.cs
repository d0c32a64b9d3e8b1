using System.Net;
using System.Net.Sockets;
using MailGrains.Host.Configuration;
using MailGrains.Host.Startup;

namespace MailGrains.Host.Tests.Startup;

public sealed class SiloPortTests
{
    [Fact]
    public void A_port_is_one_owners_until_it_lets_go()
    {
        var first = Take(0);
        var refusal = Assert.Throws<SettingsException>(() => Take(first.Number));
        first.Dispose();
        using var second = Take(first.Number);

        Assert.Contains($"127.0.0.1:{first.Number} is in use", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(first.Number, second.Number);
    }

    [Fact]
    public void A_port_where_another_program_listens_is_refused()
    {
        using var other = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        other.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        other.Listen();

        Assert.Throws<SettingsException>(() => Take(((IPEndPoint)other.LocalEndPoint!).Port));
    }

    private static SiloPort Take(int port) => SiloPort.Take(IPAddress.Loopback, port, "Cluster:SiloPort");
}
