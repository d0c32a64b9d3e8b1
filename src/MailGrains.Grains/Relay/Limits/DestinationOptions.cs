using System.Collections.Immutable;

namespace MailGrains.Grains.Relay.Limits;

/// <summary>The limits of one site.</summary>
public sealed record DestinationLimits
{
    /// <summary>At a time, in the whole cluster.</summary>
    public int Connections { get; init; } = 20;

    /// <summary>Then the connection is closed.</summary>
    public int MessagesPerConnection { get; init; } = 100;

    /// <summary>In any <see cref="Period"/>, in the whole cluster; 0: not limited.</summary>
    public int Messages { get; init; }

    /// <summary>Whole seconds, 10 or more.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether they can be kept to.</summary>
    public bool IsSound => Connections >= 1 && MessagesPerConnection >= 1 && Messages >= 0 &&
        Period >= TimeSpan.FromSeconds(10) && Period <= TimeSpan.FromDays(7) && Period.Ticks % TimeSpan.TicksPerSecond == 0;
}

/// <summary>Other limits for some sites; what is null is as everywhere.</summary>
/// <param name="Pattern">As <see cref="SitePattern"/> says.</param>
public sealed record SiteLimits(string Pattern)
{
    public int? Connections { get; init; }

    public int? MessagesPerConnection { get; init; }

    public int? Messages { get; init; }

    public TimeSpan? Period { get; init; }
}

/// <summary>The local addresses that connections to some sites come from; each has the site's limits to itself.</summary>
/// <param name="Pattern">As <see cref="SitePattern"/> says.</param>
/// <param name="Tenant">Whose mail; null: of all. A tenant's own rule goes before one for all.</param>
public sealed record SourceRule(string Pattern, string? Tenant, ImmutableArray<string> Addresses);

/// <summary>How sites are treated; immutable.</summary>
public sealed record DestinationOptions
{
    public DestinationLimits Default { get; init; } = new();

    public ImmutableArray<SiteLimits> Sites { get; init; } = [];

    public ImmutableArray<SourceRule> Sources { get; init; } = [];

    /// <summary>After the first failure; twice as long after each probe that fails.</summary>
    public TimeSpan FirstBackOff { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan MaxBackOff { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A back-off is longer or shorter by up to this part of itself, so that sites that failed together do not come back together.</summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>How long a silo may use what it was given without another answer.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often a silo asks again while it uses or wants connections.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>So much before a lease ends its connections are to be closed: what closing may take.</summary>
    public TimeSpan CloseBefore { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a caller waits for a connection while all of a site are in use.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Callers of a silo that wait for one site; more are told to come again.</summary>
    public int MaxWaiting { get; init; } = 1_000;

    /// <summary>Sites that a silo uses or wants at a time; at more, callers are told to come again.</summary>
    public int MaxSites { get; init; } = 10_000;

    public DestinationLimits LimitsOf(string site)
    {
        if (SitePattern.Longest(Sites, rule => rule.Pattern, site) is not { } rule)
        {
            return Default;
        }

        return new DestinationLimits
        {
            Connections = rule.Connections ?? Default.Connections,
            MessagesPerConnection = rule.MessagesPerConnection ?? Default.MessagesPerConnection,
            Messages = rule.Messages ?? Default.Messages,
            Period = rule.Period ?? Default.Period,
        };
    }

    /// <summary>Empty: the machine chooses.</summary>
    public ImmutableArray<string> SourcesOf(string site, string? tenant)
    {
        var own = tenant is null ? null : SitePattern.Longest([.. Sources.Where(rule => rule.Tenant == tenant)], rule => rule.Pattern, site);
        var rule = own ?? SitePattern.Longest([.. Sources.Where(rule => rule.Tenant is null)], rule => rule.Pattern, site);
        return rule?.Addresses ?? [];
    }

    /// <summary>What is wrong with a setting, as "name: why"; null: nothing.</summary>
    public string? Fault() =>
        !Default.IsSound ? "Connections, MessagesPerConnection, Messages, Period: a limit of the default is not usable" :
        Sites.FirstOrDefault(rule => !SitePattern.IsValid(rule.Pattern)) is { } named ? $"Sites: '{named.Pattern}' is no pattern" :
        Sites.FirstOrDefault(rule => !LimitsOf(SitePattern.Sample(rule.Pattern)).IsSound) is { } rule ? $"Sites: a limit of '{rule.Pattern}' is not usable" :
        Sources.FirstOrDefault(source => !SitePattern.IsValid(source.Pattern)) is { } from ? $"Sources: '{from.Pattern}' is no pattern" :
        Sources.FirstOrDefault(source => source.Addresses.Any(a => !System.Net.IPAddress.TryParse(a, out _))) is { } wrong
            ? $"Sources: '{wrong.Pattern}' names what is no address" :
        FirstBackOff <= TimeSpan.Zero || MaxBackOff < FirstBackOff || Jitter is < 0 or > 0.9 ? "FirstBackOff, MaxBackOff: not usable" :
        null;
}
