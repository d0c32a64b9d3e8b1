using System.Collections.Immutable;
using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
using MailGrains.Grains.Relay.Destinations.Dane;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Grains.Relay.Destinations.Sts;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>
/// Finds out where mail for a domain goes, and with which TLS: MX and addresses (RFC 5321 §5.1), then DANE (RFC 7672) or MTA-STS (RFC 8461), the former before
/// the latter. One a silo; what it has learned is kept in memory, policies in the store too.
/// </summary>
public sealed class DestinationLookup : IDisposable
{
    private const string NotNamed = "the MTA-STS policy does not name it";

    private readonly DestinationOptions _options;
    private readonly AnswerCache _dns;
    private readonly MailExchanges _exchanges;
    private readonly TlsaLookup _tlsa;
    private readonly StsPolicyFetch _fetch;
    private readonly StsPolicies _policies;
    private readonly TlsReports _reports;

    public DestinationLookup(DestinationOptions options, StorageAccounts accounts, TlsReports reports, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _reports) = (options, reports);
        _dns = new AnswerCache(options, time);
        _exchanges = new MailExchanges(_dns, options);
        _tlsa = new TlsaLookup(_dns);
        _fetch = new StsPolicyFetch(_dns, options, time);
        _policies = new StsPolicies(_dns, _fetch, new StsPolicyTable(accounts), time, loggers.CreateLogger<StsPolicies>());
    }

    /// <summary>The last fetch of a policy that nobody waited for.</summary>
    internal Task Refreshing => _policies.Refreshing;

    public void Dispose() => _fetch.Dispose();

    /// <param name="domain">A domain name, or an address literal in brackets.</param>
    public Task<Destination> FindAsync(string domain, CancellationToken cancellationToken) => FindAsync(domain, withPolicies: true, cancellationToken);

    /// <summary>For a message that says <c>TLS-Required: No</c> (RFC 8689 §4.2.2): no policy on TLS counts.</summary>
    public Task<Destination> FindWithoutPoliciesAsync(string domain, CancellationToken cancellationToken) =>
        FindAsync(domain, withPolicies: false, cancellationToken);

    /// <summary>A host that an operator's route names: no MX, any address; DANE where DNS has it. What else is wanted of TLS, the route says.</summary>
    /// <param name="host">A name, an address, or an address literal.</param>
    /// <param name="port">DANE's records are of a port.</param>
    public async Task<Destination> FindHostAsync(string host, int port, CancellationToken cancellationToken)
    {
        if (HostAddresses.TryParse(host, out var address))
        {
            return new Destination(host, [new DestinationHost(host, 0, [address], TlsRequirement.Opportunistic)]);
        }

        if (!AddressName.TryNormalizeDomain(host, out var name))
        {
            return Destination.Failed(host, DestinationFailure.NotADomain);
        }

        var list = new ExchangeList([new MailExchange(name, 0)], name, _options.TrustAuthenticatedData) { IsImplicit = true };
        return await ResolveAsync(new Search(name, list, port, IsRoute: true, WithDane: true, StsFinding.None), cancellationToken);
    }

    private async Task<Destination> FindAsync(string domain, bool withPolicies, CancellationToken cancellationToken)
    {
        if (domain.StartsWith('['))
        {
            return Literal(domain);
        }

        if (!AddressName.TryNormalizeDomain(domain, out var name))
        {
            return Destination.Failed(domain, DestinationFailure.NotADomain);
        }

        var exchanges = await _exchanges.FindAsync(name, cancellationToken);
        if (exchanges.Failure is { } failure)
        {
            return Destination.Failed(name, failure);
        }

        try
        {
            var sts = withPolicies && _options.StsPolicies ? await _policies.FindAsync(name, cancellationToken) : StsFinding.None;
            if (sts.Failure is { } unfetched)
            {
                _reports.Failed(name, PolicyOf(name, sts.Policy), unfetched, null, sts.Reason);
            }

            return await ResolveAsync(new Search(name, exchanges, _options.Port, IsRoute: false, withPolicies, sts), cancellationToken);
        }
        catch (StoreException)
        {
            return Destination.Failed(name, DestinationFailure.PolicyUnread(name));
        }
    }

    // RFC 5321 §5.1: an address literal is the host itself.
    private Destination Literal(string literal) => HostAddresses.TryParse(literal, out var address) && IsMailServer(address)
        ? new Destination(literal, [new DestinationHost(literal, 0, [address], TlsRequirement.Opportunistic)])
        : Destination.Failed(literal, DestinationFailure.NotADomain);

    private bool IsMailServer(IPAddress address) => AddressScope.IsMailServer(address, _options.AllowLoopback);

    private async Task<Destination> ResolveAsync(Search search, CancellationToken cancellationToken)
    {
        var (domain, exchanges) = (search.Domain, search.Exchanges);
        var candidates = await Task.WhenAll(exchanges.Exchanges.Select(exchange => ResolveAsync(search, exchange, cancellationToken)));
        ImmutableArray<DestinationHost> hosts = [.. candidates.Select(candidate => candidate.Host).OfType<DestinationHost>()];
        return new Destination(domain, hosts)
        {
            Skipped = [.. candidates.Select(candidate => candidate.Skipped).OfType<SkippedHost>()],
            Failure = hosts.Length > 0
                ? null
                : candidates.Select(candidate => candidate.Failure).FirstOrDefault(failure => failure is { IsPermanent: false })
                    ?? (exchanges.IsImplicit ? DestinationFailure.NoAddress(domain) : DestinationFailure.NoHosts(domain)),
        };
    }

    private async Task<Candidate> ResolveAsync(Search search, MailExchange exchange, CancellationToken cancellationToken)
    {
        var name = exchange.Name;
        if (!MailExchanges.IsHostName(name))
        {
            return Candidate.Skip(exchange, "no host name", null);
        }

        var addresses = await HostAddresses.FindAsync(_dns, name, _options.PreferIPv6, search.IsRoute ? _ => true : IsMailServer, cancellationToken);
        if (addresses.Addresses.Length == 0)
        {
            return addresses.Failure is { } failed
                ? Candidate.Skip(exchange, $"its addresses: {failed}", DestinationFailure.Dns($"the addresses of {name}", failed))
                : Candidate.Skip(exchange, "no address that mail can be sent to", null);
        }

        var tls = TlsRequirement.Opportunistic;
        if (search is { WithDane: true, Exchanges.IsAuthenticated: true })
        {
            var tlsa = await _tlsa.FindAsync(name, search.Port, addresses, [search.Domain, search.Exchanges.Name], cancellationToken);
            if (tlsa?.Failure is { } unknown)
            {
                _reports.Failed(search.Domain, new TlsPolicy(TlsPolicyType.Tlsa, name, []), TlsResultType.DnssecInvalid, name, unknown);
                return Candidate.Skip(exchange, $"its TLSA records: {unknown}", DestinationFailure.DaneUnknown(search.Domain));
            }

            tls = tlsa?.Requirement ?? tls;
        }

        return Apply(search, new DestinationHost(name, exchange.Preference, addresses.Addresses, tls) { IsNameProven = search.Exchanges.IsAuthenticated });
    }

    /// <summary>What an MTA-STS policy makes of a host.</summary>
    private Candidate Apply(Search search, DestinationHost host)
    {
        // RFC 8461 §2: DANE first.
        if (host.Tls.Level == TlsLevel.Dane || search.Sts.Policy is not { Mode: not StsMode.None } sts)
        {
            return new Candidate(host, null, null);
        }

        var policy = PolicyOf(search.Domain, sts);
        var isNamed = sts.Names(host.Name);
        if (!isNamed)
        {
            _reports.Failed(search.Domain, policy, TlsResultType.ValidationFailure, host.Name, NotNamed);
        }

        // RFC 8461 §4.1, §5
        return (sts.Mode, isNamed) switch
        {
            (StsMode.Enforce, false) =>
                Candidate.Skip(new MailExchange(host.Name, host.Preference), NotNamed, DestinationFailure.StsMismatch(search.Domain)),
            (StsMode.Enforce, true) => new Candidate(host with { Tls = TlsRequirement.Pkix(host.Name) with { Policy = policy }, IsNameProven = true }, null, null),
            _ => new Candidate(host with { Tls = host.Tls with { IsTested = isNamed, ReferenceNames = [host.Name], Policy = policy } }, null, null),
        };
    }

    private static TlsPolicy PolicyOf(string domain, StsPolicy? policy) => new(TlsPolicyType.Sts, domain, [.. policy?.Lines ?? []]);

    /// <param name="IsRoute">The host is an operator's choice.</param>
    private sealed record Search(string Domain, ExchangeList Exchanges, int Port, bool IsRoute, bool WithDane, StsFinding Sts);

    /// <summary>One MX, looked at: usable, or skipped, perhaps with a failure that passes.</summary>
    private sealed record Candidate(DestinationHost? Host, SkippedHost? Skipped, DestinationFailure? Failure)
    {
        public static Candidate Skip(MailExchange exchange, string reason, DestinationFailure? failure) =>
            new(null, new SkippedHost(new LogText(exchange.Name).ToString(), exchange.Preference, reason) { MayComeBack = failure is not null }, failure);
    }
}
