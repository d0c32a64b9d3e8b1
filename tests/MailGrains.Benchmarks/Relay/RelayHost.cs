using System.Globalization;
using MailGrains.Benchmarks.Delivery;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Smtp;

namespace MailGrains.Benchmarks.Relay;

/// <summary>Settings of a host that sends to servers of this machine.</summary>
internal static class RelayHost
{
    /// <summary>A mailbox of the host: reports come back to it.</summary>
    public const string Sender = "sender@local.test";

    public static Dictionary<string, string> Settings(Dictionary<string, string> more) => new(more)
    {
        ["MailGrains:HostName"] = "us.test",
        ["MailGrains:Relay:AllowPrivateDestinations"] = "true",
        ["MailGrains:Relay:MtaSts"] = "false",
        ["MailGrains:Smtp:RelayNetworks:0"] = "127.0.0.0/8",
        ["MailGrains:Smtp:RelayTenant"] = MailGrainsServer.Tenant,
    };

    public static Dictionary<string, string> RouteTo(string port) => new()
    {
        ["MailGrains:Relay:Routes:0:Domain"] = "*",
        ["MailGrains:Relay:Routes:0:Host"] = "127.0.0.1",
        ["MailGrains:Relay:Routes:0:Port"] = port,
    };

    /// <summary>So many domains, each with a server's name of its own, all of which lead to one port.</summary>
    public static Dictionary<string, string> MailExchanges(DnsServer dns, int domains, int port)
    {
        for (var i = 0; i < domains; i++)
        {
            var domain = MessageLedger.DomainOf(i);
            dns.Add(domain, DnsType.Mx, $"10 mx.{domain}", 3_600);
            dns.Add($"mx.{domain}", DnsType.A, "127.0.0.1", 3_600);
        }

        return new()
        {
            ["MailGrains:Dns:Servers:0"] = dns.EndPoint.ToString(),
            ["MailGrains:Relay:Port"] = port.ToString(CultureInfo.InvariantCulture),
        };
    }
}
