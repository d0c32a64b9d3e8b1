using System.Globalization;
using MailGrains.Testing.Programs;

namespace MailGrains.Benchmarks.Peer;

/// <summary>
/// Postfix as Debian sets it up (its own <c>master.cf</c>, the values of its <c>main.cf</c>), in folders of its own, on one port of
/// loopback, and with a route of its own.
/// </summary>
/// <param name="folder">All that it keeps is below it.</param>
/// <param name="route">Lines of <c>main.cf</c>: where its mail goes.</param>
internal sealed class PostfixConfiguration(string folder, string route)
{
    private const string DebianServices = "/usr/share/postfix/master.cf.dist";

    public string Folder { get; } = Path.Combine(folder, "etc");

    public string Queue { get; } = Path.Combine(folder, "spool");

    public string Log => Path.Combine(folder, "log");

    /// <param name="certificate">Null: that of Debian's ssl-cert.</param>
    public void Write(int port, ServerCertificate? certificate)
    {
        Directory.CreateDirectory(Folder);
        Directory.CreateDirectory(Queue);
        File.WriteAllText(Path.Combine(Folder, "main.cf"), Main(
            certificate?.CertificatePath ?? "/etc/ssl/certs/ssl-cert-snakeoil.pem", certificate?.KeyPath ?? "/etc/ssl/private/ssl-cert-snakeoil.key"));
        File.WriteAllLines(Path.Combine(Folder, "master.cf"), File.ReadLines(DebianServices)
            .Select(line => line.StartsWith("smtp      inet", StringComparison.Ordinal) ? line.Replace("smtp      ", $"127.0.0.1:{port} ") : line));
    }

    /// <summary>The process that started all others of it, while it runs.</summary>
    public async Task<int> ReadMasterPidAsync(CancellationToken cancellationToken)
    {
        // By a program of the system: it holds a lock on the file, and .NET reads none without asking for one.
        var text = await ExternalProgram.RunAsync("cat", [Path.Combine(Queue, "pid", "master.pid")], cancellationToken);
        return int.Parse(text.Trim(), CultureInfo.InvariantCulture);
    }

    private string Main(string certificate, string key) => $"""
        # Debian
        smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
        biff = no
        append_dot_mydomain = no
        readme_directory = no
        compatibility_level = 3.6
        smtpd_tls_cert_file = {certificate}
        smtpd_tls_key_file = {key}
        smtpd_tls_security_level = may
        smtp_tls_CApath = /etc/ssl/certs
        smtp_tls_security_level = may
        smtp_tls_session_cache_database = btree:$data_directory/smtp_scache
        smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
        recipient_delimiter = +
        mailbox_size_limit = 0
        mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
        alias_maps =
        # Beside what the machine runs
        myhostname = peer.test
        mydestination =
        inet_interfaces = loopback-only
        queue_directory = {Queue}
        data_directory = {folder}/data
        maillog_file = {Log}
        maillog_file_prefixes = {folder}
        # The route
        {route}

        """;
}
