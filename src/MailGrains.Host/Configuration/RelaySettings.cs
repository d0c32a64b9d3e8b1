using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Grains.Queues;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Protocols.Smtp.Client;
using DestinationLookupOptions = MailGrains.Grains.Relay.Destinations.DestinationOptions;

namespace MailGrains.Host.Configuration;

/// <summary>How mail goes to other servers: <c>MailGrains:Relay</c>, <c>MailGrains:Queues</c>, <c>MailGrains:Dns</c>.</summary>
/// <param name="Destinations">How it is found out where.</param>
/// <param name="Limits">What other servers are spared.</param>
internal sealed record RelaySettings(RelayOptions Relay, DestinationLookupOptions Destinations, DestinationOptions Limits, QueueOptions Queues)
{
    private const int SmtpPort = 25;
    private const int SubmissionsPort = 465;
    private const int MostOfALimit = 1_000_000;
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(7);

    // What says which mail, or what becomes of it.
    private static readonly string[] Choosing = ["Domain", "Sender", "Tenant", "Host", "Action", "Reason"];

    /// <summary>Keeps the passwords of routes out of logs.</summary>
    public override string ToString() => nameof(RelaySettings);

    /// <exception cref="SettingsException">A value can't be used.</exception>
    public static RelaySettings Read(SettingsReader settings, string hostName, IReadOnlyList<IPEndPoint> dnsServers)
    {
        var port = (int)settings.Whole("Relay:Port", SmtpPort, 1, ushort.MaxValue);
        var limits = ReadLimits(settings);
        var helloName = settings.Text("Relay:HelloName") is { } hello ? ReadDomain("Relay:HelloName", hello) : hostName;
        return new RelaySettings(
            new RelayOptions
            {
                Smtp = new SmtpClientOptions { HelloName = helloName },
                Port = port,
                Routes = ReadRoutes(settings),
                ConnectTimeout = settings.Time("Relay:ConnectTimeout", TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5)),
                MaxMessages = (int)settings.Whole("Relay:MaxMessages", 5_000, 100, MostOfALimit),
            },
            new DestinationLookupOptions
            {
                DnsServers = dnsServers,
                TrustAuthenticatedData = settings.Flag("Dns:TrustAuthenticatedData", absent: false),
                OwnHostNames = [.. new[] { hostName, helloName }.Distinct(), .. settings.List("Relay:OwnNames").Select(name => ReadDomain("Relay:OwnNames", name))],
                PreferIPv6 = settings.Flag("Relay:PreferIPv6", absent: true),
                AllowLoopback = settings.Flag("Relay:AllowPrivateDestinations", absent: false),
                StsPolicies = settings.Flag("Relay:MtaSts", absent: true),
                Port = port,
            },
            limits.Fault() is { } fault ? throw new SettingsException($"{SettingsReader.Root}:Relay: {fault}.") : limits,
            ReadQueues(settings));
    }

    private static QueueOptions ReadQueues(SettingsReader settings)
    {
        var absent = new QueueOptions();
        var retries = settings.List("Queues:RetryAfter").Select((_, i) => settings.Time($"Queues:RetryAfter:{i}", TimeSpan.Zero, LongestPeriod)).ToArray();
        return absent with
        {
            Shards = (int)settings.Whole("Queues:Shards", absent.Shards, 1, QueueOptions.MaxShards),
            RetryAfter = retries.Length == 0 ? absent.RetryAfter
                : retries.All(retry => retry > TimeSpan.Zero) ? retries
                : throw SettingsReader.Wrong("Queues:RetryAfter", "00:00:00", "a list of times hh:mm:ss"),
            MaxAge = settings.Time("Queues:MaxAge", absent.MaxAge, TimeSpan.FromDays(30)),
            AlarmAge = settings.Time("Queues:AlarmAge", absent.AlarmAge, TimeSpan.FromDays(30)),
            DelayNoticeAfter = settings.Time("Queues:DelayNoticeAfter", absent.DelayNoticeAfter, TimeSpan.FromDays(30)),
        };
    }

    private static DestinationOptions ReadLimits(SettingsReader settings)
    {
        var (options, absent) = (new DestinationOptions(), new DestinationLimits());
        return options with
        {
            FirstBackOff = settings.Time("Relay:Limits:FirstBackOff", options.FirstBackOff, LongestPeriod),
            MaxBackOff = settings.Time("Relay:Limits:MaxBackOff", options.MaxBackOff, LongestPeriod),
            Default = new DestinationLimits
            {
                Connections = Number(settings, "Relay:Limits:Connections") ?? absent.Connections,
                MessagesPerConnection = Number(settings, "Relay:Limits:MessagesPerConnection") ?? absent.MessagesPerConnection,
                Messages = Number(settings, "Relay:Limits:Messages") ?? absent.Messages,
                Period = settings.Time("Relay:Limits:Period", absent.Period, LongestPeriod),
            },
            Sites = [.. settings.Entries("Relay:Sites").Select(entry => ReadSite(settings, entry))],
            Sources =
            [
                .. settings.Entries("Relay:Sources").Select(entry => new SourceRule(
                    settings.Text($"{entry}:Site") ?? "*", ReadTenant(settings, $"{entry}:Tenant"), [.. settings.List($"{entry}:Addresses")])),
            ],
        };
    }

    private static SiteLimits ReadSite(SettingsReader settings, string entry) => new(settings.Text($"{entry}:Site") ?? "")
    {
        Connections = Number(settings, $"{entry}:Connections"),
        MessagesPerConnection = Number(settings, $"{entry}:MessagesPerConnection"),
        Messages = Number(settings, $"{entry}:Messages"),
        Period = settings.Has($"{entry}:Period") ? settings.Time($"{entry}:Period", TimeSpan.Zero, LongestPeriod) : null,
    };

    private static int? Number(SettingsReader settings, string name) =>
        settings.Whole(name, -1, 0, MostOfALimit) is >= 0 and var number ? (int)number : null;

    private static RelayRoutes ReadRoutes(SettingsReader settings)
    {
        try
        {
            return new RelayRoutes(settings.Entries("Relay:Routes").Where(entry => IsRoute(settings, entry)).Select(entry => ReadRoute(settings, entry)));
        }
        catch (ArgumentException e)
        {
            throw new SettingsException($"{SettingsReader.Root}:Relay:Routes: {e.Message}");
        }
    }

    // A deployment without a smart host leaves the variables of its one route empty; what else the entry has (a port, a login) says nothing then.
    private static bool IsRoute(SettingsReader settings, string entry) =>
        Choosing.Any(name => settings.Text($"{entry}:{name}") is not null) || settings.List($"{entry}:Hosts").Count > 0;

    private static RelayRoute ReadRoute(SettingsReader settings, string entry)
    {
        var domain = settings.Text($"{entry}:Domain") ?? "*";
        var action = Choice(settings, $"{entry}:Action", RouteAction.Relay, "relay, discard, reject or hold");
        var tls = Choice(settings, $"{entry}:Tls", RouteTls.Opportunistic, "none, opportunistic, required, verified or implicit");
        var port = (int)settings.Whole($"{entry}:Port", tls == RouteTls.Implicit ? SubmissionsPort : SmtpPort, 1, ushort.MaxValue);
        string[] hosts = settings.Text($"{entry}:Host") is { } host ? [host] : [.. settings.List($"{entry}:Hosts")];
        return (action == RouteAction.Relay) != (hosts.Length > 0)
            ? throw SettingsReader.Wrong($"{entry}:Host", string.Join(',', hosts), "a host where mail is relayed, and none elsewhere")
            : new RelayRoute(ReadPattern($"{entry}:Domain", domain))
            {
                Tenant = ReadTenant(settings, $"{entry}:Tenant"),
                Sender = settings.Text($"{entry}:Sender") is { } sender ? ReadDomain($"{entry}:Sender", sender) : null,
                Action = action,
                Hosts = [.. hosts],
                Port = port,
                // RFC 8314 §3.3: that port speaks TLS from the first octet.
                Tls = tls == RouteTls.Verified && port == SubmissionsPort ? RouteTls.Implicit : tls,
                User = settings.Text($"{entry}:User"),
                Password = settings.Text($"{entry}:Password"),
                Reason = settings.Text($"{entry}:Reason"),
            };
    }

    private static TEnum Choice<TEnum>(SettingsReader settings, string name, TEnum absent, string expected)
        where TEnum : struct, Enum => settings.Text(name) switch
        {
            null => absent,
            var value when Enum.TryParse<TEnum>(value, ignoreCase: true, out var choice) && Enum.IsDefined(choice) && !char.IsAsciiDigit(value[0]) => choice,
            var value => throw SettingsReader.Wrong(name, value, expected),
        };

    private static string ReadPattern(string name, string value) => value == "*" ? value
        : value.StartsWith("*.", StringComparison.Ordinal) ? "*." + ReadDomain(name, value[2..])
        : ReadDomain(name, value);

    private static string ReadDomain(string name, string value) => AddressName.TryNormalizeDomain(value, out var domain)
        ? domain
        : throw SettingsReader.Wrong(name, value, "a domain name");

    private static string? ReadTenant(SettingsReader settings, string name) => settings.Text(name) switch
    {
        null => null,
        var given when TenantName.TryNormalize(given, out var tenant) => tenant,
        var given => throw SettingsReader.Wrong(name, given, "a tenant's name"),
    };
}
