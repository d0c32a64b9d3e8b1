using MailGrains.Contracts.Relay;

namespace MailGrains.Web.Api;

/// <summary>What would happen to mail for an address now.</summary>
/// <param name="Outcome">resolved, noSuchUser, notLocal, loop or tooLarge.</param>
/// <param name="Reply">What a client hears at RCPT, by code; of notLocal one that may not relay.</param>
/// <param name="Mailboxes">Those that get it here.</param>
/// <param name="Elsewhere">What goes to other servers.</param>
/// <param name="Omitted">Members elsewhere that are not shown.</param>
internal sealed record RouteView(
    string To, string Outcome, string Reply, IReadOnlyList<RouteMailboxView> Mailboxes, IReadOnlyList<RemoteView> Elsewhere, int Omitted);

/// <param name="Detail">The subaddress (RFC 5233), or empty.</param>
internal sealed record RouteMailboxView(string Id, string Detail);

/// <param name="Tenant">Whose queue takes it; null: nobody's, unless a client may relay.</param>
/// <param name="Addresses">Recipients of that domain.</param>
/// <param name="Queue">As it stands now.</param>
/// <param name="Route">Null: no silo that sends can be asked now.</param>
internal sealed record RemoteView(string? Tenant, string Domain, IReadOnlyList<string> Addresses, QueueView? Queue, RouteFactsView? Route);

/// <param name="Origin">dns, configured (a route of the settings), or ordered (an operator's for the queue).</param>
/// <param name="Rule">The configured route.</param>
/// <param name="Hosts">In the order in which they would be tried.</param>
/// <param name="Skipped">Hosts that are named and can't be used now.</param>
/// <param name="Failure">Why there is no host; with 4yz mail waits, with 5yz it is returned.</param>
/// <param name="Limits">The site's, one for each source address that is used.</param>
internal sealed record RouteFactsView(
    string Origin, RouteRuleView? Rule, IReadOnlyList<RouteHostView> Hosts, IReadOnlyList<SkippedHostView> Skipped, RouteFailureView? Failure,
    IReadOnlyList<SiteView> Limits)
{
    public static RouteFactsView Of(RouteFacts facts) => new(
        facts.Origin switch
        {
            RouteOrigin.Configured => "configured",
            RouteOrigin.Ordered => "ordered",
            _ => "dns",
        },
        facts.Rule is { } rule ? new RouteRuleView(rule.Domain, rule.Tenant, rule.Sender, rule.Action, rule.User, rule.Reason) : null,
        [
            .. facts.Hosts.Select(host => new RouteHostView(
                host.Name, host.Port, host.Preference, host.Addresses, new RouteTlsView(host.Tls, host.Names, host.Policy, host.IsTested, host.IsNameProven))),
        ],
        [.. facts.Skipped.Select(host => new SkippedHostView(host.Name, host.Preference, host.Reason))],
        facts.Failure is { } failure ? new RouteFailureView(failure.Code, failure.Enhanced, failure.Text) : null,
        [.. facts.Limits.Select(SiteView.Of)]);
}

/// <param name="Action">relay, discard, reject or hold.</param>
/// <param name="User">Whose login is shown.</param>
internal sealed record RouteRuleView(string Domain, string? Tenant, string? Sender, string Action, string? User, string? Reason);

internal sealed record RouteHostView(string Name, int Port, int Preference, IReadOnlyList<string> Addresses, RouteTlsView Tls);

/// <param name="Level">none, opportunistic, required, pkix or dane.</param>
/// <param name="Names">Of which the certificate must hold one.</param>
/// <param name="Policy">tlsa or sts; null: from nobody's policy.</param>
/// <param name="Testing">The policy is tested: mail is sent whatever the certificate.</param>
/// <param name="NameProven">As REQUIRETLS wants it.</param>
internal sealed record RouteTlsView(string Level, IReadOnlyList<string> Names, string? Policy, bool Testing, bool NameProven);

internal sealed record SkippedHostView(string Name, int Preference, string Reason);

internal sealed record RouteFailureView(int Code, string Enhanced, string Text);

/// <param name="Site">Its hosts, and behind a bar the source address.</param>
/// <param name="Condition">open, slowStart, backOff, probing or takingOver.</param>
/// <param name="Until">No new connection before.</param>
/// <param name="Connections">The most at a time.</param>
/// <param name="Allowed">The most now.</param>
/// <param name="InUse">By all silos.</param>
/// <param name="Messages">The most in any period; 0: not limited.</param>
internal sealed record SiteView(
    string Site, string Condition, DateTimeOffset? Until, int Connections, int Allowed, int InUse, int MessagesPerConnection, int Messages,
    int PeriodSeconds, string? LastFailure, DateTimeOffset? LastFailureAt)
{
    public static SiteView Of(DestinationState state) => new(
        state.Key,
        state.Condition switch
        {
            DestinationCondition.SlowStart => "slowStart",
            DestinationCondition.BackOff => "backOff",
            DestinationCondition.Probing => "probing",
            DestinationCondition.TakingOver => "takingOver",
            _ => "open",
        },
        state.Until, state.Connections, state.Allowed, state.Silos.Sum(silo => silo.InUse), state.MessagesPerConnection, state.Messages,
        (int)state.Period.TotalSeconds, state.LastFailure, state.LastFailureAt);
}
