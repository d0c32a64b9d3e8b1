using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Acme;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Filters;
using MailGrains.Gateways.Tls;
using MailGrains.Messages.Srs;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Configuration;

internal enum StorageProvider
{
    Sqlite,
    Azure,
}

/// <param name="Path">Absolute: the SQLite store's folder, and where made secrets are kept.</param>
/// <param name="Shared">Several processes of this machine form a cluster on the one SQLite folder.</param>
internal sealed record StorageSettings(StorageProvider Provider, string Path, bool Shared);

/// <summary>Null: the listener is off.</summary>
internal sealed record EndpointSettings(
    IPEndPoint? Smtp, IPEndPoint? Submission, IPEndPoint? Submissions, IPEndPoint? Pop3, IPEndPoint? Pop3s, IPEndPoint? Http,
    IPEndPoint? Https);

/// <param name="SiloPort">0: any free one; a restart should keep its port.</param>
/// <param name="GatewayPort">For Orleans clients outside the cluster; 0: any free one.</param>
internal sealed record ClusterSettings(string ClusterId, string ServiceId, IPAddress Address, int SiloPort, int GatewayPort);

/// <summary>What the host was told, checked as a whole before anything starts; immutable.</summary>
internal sealed record HostSettings
{
    private const int MinSrsKeyChars = SenderRewriting.MinKeyBytes;

    public const long DefaultMaxMessageBytes = 50 * 1024 * 1024;

    public required HostRoles Roles { get; init; }

    public required string HostName { get; init; }

    public required StorageSettings Storage { get; init; }

    public required EndpointSettings Endpoints { get; init; }

    /// <summary>Where clients reach HTTPS, which is elsewhere than this process listens where something forwards to it.</summary>
    public required int HttpsPublicPort { get; init; }

    public required ClusterSettings Cluster { get; init; }

    public required long MaxMessageBytes { get; init; }

    /// <summary>Empty: a self-signed one is made.</summary>
    public required IReadOnlyList<CertificateFile> Certificates { get; init; }

    /// <summary>Certificates that are ordered; off where it names no authority.</summary>
    public required AcmeOptions Acme { get; init; }

    public required ConnectionOptions Connections { get; init; }

    /// <summary>Before the greeting on port 25, for clients outside the trusted networks.</summary>
    public required TimeSpan GreetDelay { get; init; }

    /// <summary>How much later each further refusal is answered to such a client.</summary>
    public required TimeSpan TarpitDelay { get; init; }

    /// <summary>Whose mail clients of the relay networks send as senders that are not hosted here; null: they may not.</summary>
    public required string? RelayTenant { get; init; }

    /// <summary>The first signs; empty: one is made once and kept in the store.</summary>
    public required IReadOnlyList<string> SrsKeys { get; init; }

    public required RelaySettings Relay { get; init; }

    public required FilterOptions Filters { get; init; }

    public required DrainSettings Drain { get; init; }

    public required bool DemoEnabled { get; init; }

    /// <summary>Null: made once and kept in the data folder.</summary>
    public required string? DemoPassword { get; init; }

    /// <inheritdoc cref="DemoPassword"/>
    public required string? AdminApiKey { get; init; }

    public bool Has(HostRoles role) => (Roles & role) != 0;

    /// <summary>Keeps the secrets out of logs.</summary>
    public override string ToString() => nameof(HostSettings);

    /// <exception cref="SettingsException">A value can't be used.</exception>
    public static HostSettings Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration);
        var hostName = ReadHostName(settings);
        var connections = ConnectionSettings.Read(settings);
        return new HostSettings
        {
            Roles = ReadRoles(settings),
            HostName = hostName,
            Storage = ReadStorage(settings),
            Endpoints = new EndpointSettings(
                settings.Listener("Endpoints:Smtp", Loopback(2525)),
                settings.Listener("Endpoints:Submission", Loopback(2587)),
                settings.Listener("Endpoints:Submissions", Loopback(2465)),
                settings.Listener("Endpoints:Pop3", Loopback(2110)),
                settings.Listener("Endpoints:Pop3s", Loopback(2995)),
                settings.Listener("Endpoints:Http", Loopback(8080)),
                settings.Listener("Endpoints:Https", absent: null)),
            HttpsPublicPort = (int)settings.Whole("Https:PublicPort", 443, 1, ushort.MaxValue),
            Cluster = new ClusterSettings(
                settings.Text("Cluster:ClusterId") ?? "mailgrains",
                settings.Text("Cluster:ServiceId") ?? "mailgrains",
                settings.Address("Cluster:Address", IPAddress.Loopback),
                (int)settings.Whole("Cluster:SiloPort", 11111, 0, ushort.MaxValue),
                (int)settings.Whole("Cluster:GatewayPort", 30000, 0, ushort.MaxValue)),
            MaxMessageBytes = settings.Whole("Smtp:MaxMessageBytes", DefaultMaxMessageBytes, 64 * 1024, 1024L * 1024 * 1024),
            Certificates = TlsSettings.ReadCertificates(settings),
            Acme = AcmeSettings.Read(settings, hostName),
            Connections = connections,
            GreetDelay = settings.Time("Smtp:GreetDelay", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
            TarpitDelay = settings.Time("Smtp:TarpitDelay", TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)),
            RelayTenant = ReadRelayTenant(settings),
            SrsKeys = ReadSrsKeys(settings),
            Relay = RelaySettings.Read(settings, hostName, connections.DnsServers),
            Filters = FilterSettings.Read(settings),
            Drain = DrainSettings.Read(settings),
            DemoEnabled = settings.Flag("Demo:Enabled", absent: true),
            DemoPassword = settings.Text("Demo:Password"),
            AdminApiKey = settings.Text("Admin:ApiKey"),
        };
    }

    private static IPEndPoint Loopback(int port) => new(IPAddress.Loopback, port);

    private static HostRoles ReadRoles(SettingsReader settings)
    {
        var names = settings.List("Roles");
        if (names.Count == 0)
        {
            return HostRoles.All;
        }

        var roles = HostRoles.None;
        foreach (var name in names)
        {
            roles |= name.ToLowerInvariant() switch
            {
                "gateway" => HostRoles.Gateway,
                "grains" => HostRoles.Grains,
                "relay" => HostRoles.Relay,
                "web" => HostRoles.Web,
                _ => throw SettingsReader.Wrong("Roles", name, "a list of gateway, grains, relay, web"),
            };
        }

        return roles;
    }

    private static string ReadHostName(SettingsReader settings)
    {
        if (settings.Text("HostName") is { } given)
        {
            return AddressName.TryNormalize("postmaster", given, out var address)
                ? address.Domain
                : throw SettingsReader.Wrong("HostName", given, "a domain name");
        }

        // A machine's name need not be a domain.
        return AddressName.TryNormalize("postmaster", Environment.MachineName, out var machine) ? machine.Domain : "localhost";
    }

    private static string? ReadRelayTenant(SettingsReader settings) => settings.Text("Smtp:RelayTenant") switch
    {
        null => null,
        var given when TenantName.TryNormalize(given, out var name) => name,
        var given => throw SettingsReader.Wrong("Smtp:RelayTenant", given, "a tenant's name"),
    };

    private static IReadOnlyList<string> ReadSrsKeys(SettingsReader settings)
    {
        var keys = settings.List("Srs:Keys");

        // Not said with the value, which is a secret.
        return keys.All(key => key.Length >= MinSrsKeyChars)
            ? keys
            : throw new SettingsException($"{SettingsReader.Root}:Srs:Keys has a key of less than {MinSrsKeyChars} characters.");
    }

    private static StorageSettings ReadStorage(SettingsReader settings)
    {
        var name = settings.Text("Storage:Provider") ?? nameof(StorageProvider.Sqlite);
        if (!Enum.TryParse<StorageProvider>(name, ignoreCase: true, out var provider) || !Enum.IsDefined(provider))
        {
            throw SettingsReader.Wrong("Storage:Provider", name, "Sqlite or Azure");
        }

        return new StorageSettings(
            provider, Path.GetFullPath(settings.Text("Storage:Path") ?? "data"), settings.Flag("Storage:Shared", absent: false));
    }
}
