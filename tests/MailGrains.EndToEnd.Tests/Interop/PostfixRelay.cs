using System.Globalization;
using System.Net;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Interop;

/// <summary>A Postfix that sends everything on to one server, in folders of its own. Needs root, since it changes its users.</summary>
internal sealed class PostfixRelay : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _configuration;

    private PostfixRelay(string folder, int port)
    {
        _folder = folder;
        _configuration = Path.Combine(folder, "etc");
        Smtp = new IPEndPoint(IPAddress.Loopback, port);
    }

    public IPEndPoint Smtp { get; }

    public string Log => Path.Combine(_folder, "log");

    /// <param name="settings">More lines of <c>main.cf</c>.</param>
    /// <param name="port">Null: any.</param>
    public static async Task<PostfixRelay> StartAsync(string folder, IPEndPoint next, string settings, CancellationToken cancellationToken, int? port = null)
    {
        var postfix = DebianProgram.Require("postfix", "postfix");

        // Its users must pass through.
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var relay = new PostfixRelay(folder, port ?? FreePort.Choose());
        var queue = Path.Combine(folder, "spool");
        Directory.CreateDirectory(relay._configuration);
        Directory.CreateDirectory(queue);
        File.WriteAllText(Path.Combine(relay._configuration, "main.cf"), $"""
            compatibility_level = 3.6
            myhostname = relay.elsewhere.test
            mydestination =
            mynetworks = 127.0.0.0/8
            inet_interfaces = loopback-only
            inet_protocols = ipv4
            disable_dns_lookups = yes
            relayhost = [127.0.0.1]:{next.Port.ToString(CultureInfo.InvariantCulture)}
            smtpd_relay_restrictions = permit_mynetworks, reject
            smtputf8_enable = yes
            alias_maps =
            queue_directory = {queue}
            data_directory = {folder}/data
            maillog_file = {relay.Log}
            maillog_file_prefixes = {folder}
            {settings}

            """);
        File.WriteAllLines(Path.Combine(relay._configuration, "master.cf"), File.ReadLines("/usr/share/postfix/master.cf.dist")
            .Select(line => line.StartsWith("smtp      inet", StringComparison.Ordinal) ? line.Replace("smtp      ", $"127.0.0.1:{relay.Smtp.Port} ") : line));
        await ExternalProgram.RunAsync(postfix, ["-c", relay._configuration, "start"], cancellationToken);
        return relay;
    }

    public async ValueTask DisposeAsync() =>
        await ExternalProgram.RunAsync(DebianProgram.Require("postfix", "postfix"), ["-c", _configuration, "stop"], CancellationToken.None);
}
