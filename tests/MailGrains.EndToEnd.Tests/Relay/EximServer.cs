using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailGrains.Testing.Daemons;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Relay;

/// <summary>
/// An Exim that puts mail for <c>there.test</c> into one file, <c>gone@there.test</c> excepted, and sends everything else on to one server. It was not
/// installed, and runs without rights: another list of users is put before it, since it wants to know its own.
/// </summary>
internal sealed class EximServer : IAsyncDisposable
{
    public const string Name = "mx.there.test";

    /// <summary>Nobody, where this runs as root.</summary>
    private const int Unprivileged = 65534;

    private readonly DaemonProcess _daemon = new("exim");

    private EximServer()
    {
    }

    /// <summary>What it has in its mailboxes.</summary>
    public string Mail => Read("mail");

    public string Log => Read("log/main");

    /// <param name="port">Where it listens.</param>
    /// <param name="next">Where mail goes that is not its own: its reports.</param>
    /// <param name="settings">More lines of its configuration.</param>
    public static async Task<EximServer> StartAsync(int port, IPEndPoint next, string settings, CancellationToken cancellationToken)
    {
        var unpacked = DebianProgram.RequireUnpacked("usr/sbin/exim4", "exim4-daemon-light");
        var exim = new EximServer();
        try
        {
            await exim.RunAsync(unpacked, port, next, settings, cancellationToken);
            return exim;
        }
        catch
        {
            await exim.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    private async Task RunAsync(string unpacked, int port, IPEndPoint next, string settings, CancellationToken cancellationToken)
    {
        // Copies, since a user without rights may not get at the repository.
        var folder = _daemon.Folder;
        var program = Path.Combine(folder, "exim4");
        File.Copy(Path.Combine(unpacked, "usr/sbin/exim4"), program);
        var libraries = Directory.CreateDirectory(Path.Combine(folder, "lib")).FullName;
        foreach (var library in Directory.EnumerateFiles(Path.Combine(unpacked, "usr/lib"), "*.so*", SearchOption.AllDirectories))
        {
            File.Copy(library, Path.Combine(libraries, Path.GetFileName(library)), overwrite: true);
        }

        var configuration = _daemon.WriteFile("exim.conf", Configuration(folder, program, port, next, settings));
        var (user, group) = Environment.IsPrivilegedProcess
            ? (Unprivileged, Unprivileged)
            : (await IdAsync("-u", cancellationToken), await IdAsync("-g", cancellationToken));
        string[] command =
        [
            $"LD_LIBRARY_PATH={libraries}", $"LD_PRELOAD={libraries}/libnss_wrapper.so",
            $"NSS_WRAPPER_PASSWD={_daemon.WriteFile("passwd", $"root:x:0:0:root:/:/bin/sh\nDebian-exim:x:{user}:{group}:Exim:/:/bin/sh\n")}",
            $"NSS_WRAPPER_GROUP={_daemon.WriteFile("group", $"root:x:0:\nDebian-exim:x:{group}:\n")}",
            program, "-C", configuration, "-bdf",
        ];
        foreach (var writable in new[] { folder, Path.Combine(folder, "spool"), Path.Combine(folder, "log") })
        {
            Directory.CreateDirectory(writable).UnixFileMode = (UnixFileMode)0b111_111_111;
        }

        string[] asUser = Environment.IsPrivilegedProcess ? ["setpriv", $"--reuid={user}", $"--regid={group}", "--clear-groups"] : [];
        await _daemon.StartAsync("env", [.. asUser, "env", .. command], async token =>
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, token);
            return true;
        });
    }

    private static async Task<int> IdAsync(string which, CancellationToken cancellationToken) =>
        int.Parse(await ExternalProgram.RunAsync("id", [which], cancellationToken), CultureInfo.InvariantCulture);

    private static string Configuration(string folder, string program, int port, IPEndPoint next, string settings) => $"""
        exim_path = {program}
        primary_hostname = {Name}
        spool_directory = {folder}/spool
        log_file_path = {folder}/log/%s
        log_selector = +all
        keep_environment = ^LD_ : ^NSS_WRAPPER_
        deliver_drop_privilege = true
        local_interfaces = 127.0.0.1
        daemon_smtp_ports = {port}
        acl_smtp_rcpt = accept
        acl_smtp_data = accept
        host_lookup =
        rfc1413_hosts =
        smtputf8_advertise_hosts = *
        {settings}
        begin routers
        gone:
          driver = redirect
          domains = there.test
          local_parts = gone
          allow_fail
          data = :fail: there is nobody of that name
        mail:
          driver = accept
          domains = there.test
          transport = mail
        next:
          driver = manualroute
          route_list = * 127.0.0.1
          self = send
          transport = next
        begin transports
        mail:
          driver = appendfile
          file = {folder}/mail
          user = Debian-exim
          return_path_add
          envelope_to_add
        next:
          driver = smtp
          port = {next.Port}

        """;

    private string Read(string name)
    {
        var path = Path.Combine(_daemon.Folder, name);
        return File.Exists(path) ? File.ReadAllText(path) : "";
    }
}
