using System.Net;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Filters;

/// <summary>The filters that this process asks; immutable. Without any there is no filtering at all.</summary>
public sealed record FilterOptions
{
    /// <summary>Mail of users who logged in is filtered too.</summary>
    public bool Submission { get; init; } = true;

    public RspamdOptions? Rspamd { get; init; }

    public ClamdOptions? Clamd { get; init; }

    /// <summary>The filters in the order in which they are named.</summary>
    public FilterPipeline Build(GatewayMetrics metrics, TimeProvider time, ILogger<FilterPipeline> logger)
    {
        var filters = new List<IMessageFilter>();
        if (Clamd is { } clamd)
        {
            filters.Add(new ClamdFilter(clamd.Address, clamd.Limits));
        }

        if (Rspamd is { } rspamd)
        {
            filters.Add(new RspamdFilter(rspamd.Url, rspamd.Password, rspamd.Limits));
        }

        return new FilterPipeline(filters, Submission, metrics, time, logger);
    }
}

/// <param name="Password">Null: none is asked for.</param>
public sealed record RspamdOptions(Uri Url, string? Password, FilterLimits Limits)
{
    /// <summary>Keeps the password out of logs.</summary>
    public override string ToString() => Url.ToString();
}

public sealed record ClamdOptions(EndPoint Address, FilterLimits Limits);
