using DnsClient;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Relay.Destinations.Sts;

/// <summary>
/// The MTA-STS policies of domains (RFC 8461). A policy that was fetched once holds until it is too old, whatever DNS and the policy's host say meanwhile (§5.1):
/// so it lies in the store, and what memory has of it is never newer. It is fetched again when DNS names another id, and once a day beside its use.
/// </summary>
internal sealed partial class StsPolicies(
    AnswerCache dns, StsPolicyFetch fetch, StsPolicyTable table, TimeProvider time, ILogger<StsPolicies> logger)
{
    private const int MaxKnown = 20_000;
    private const int MaxNameLength = 253;

    // RFC 8461 §3.3: no more often, where a fetch has failed.
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(5);

    // RFC 8461 §10.2: so that a policy does not end unnoticed.
    private static readonly TimeSpan RefreshAfter = TimeSpan.FromDays(1);

    // Another silo may have fetched what DNS no longer shows.
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromHours(1);

    private readonly RecentlyUsed<string, Task<DomainState>> _known = new(MaxKnown);

    /// <summary>The last fetch that nobody waited for.</summary>
    internal Task Refreshing { get; private set; } = Task.CompletedTask;

    /// <exception cref="StoreException">Whether there is a policy can't be known now.</exception>
    public async Task<StsFinding> FindAsync(string domain, CancellationToken cancellationToken)
    {
        var name = "_mta-sts." + domain;
        if (name.Length > MaxNameLength)
        {
            return StsFinding.None;
        }

        var id = StsRecord.Id(await dns.AskAsync(name, QueryType.TXT, cancellationToken));
        var looking = _known.GetOrAdd(domain, state => IsGood(state, id), () => Task.Run(() => LookAsync(domain, id), CancellationToken.None));
        var state = await looking.WaitAsync(cancellationToken);
        var now = time.GetUtcNow();
        var policy = Valid(state.Policy, now);
        if (id is not null && policy is not null && now >= policy.FetchedAt + RefreshAfter && MayTry(state, now))
        {
            _known.Set(domain, Task.FromResult(state with { TriedAt = now }));
            Refreshing = Task.Run(() => RefreshAsync(domain, id), CancellationToken.None);
        }

        return new StsFinding(policy?.Policy, state.Failure, state.Reason);
    }

    private bool IsGood(Task<DomainState> looking, string? id)
    {
        if (!looking.IsCompleted)
        {
            return true;
        }

        if (!looking.IsCompletedSuccessfully)
        {
            return false;
        }

        var (state, now) = (looking.Result, time.GetUtcNow());
        var policy = Valid(state.Policy, now);
        return id is null ? policy is not null || now < state.ReadAt + ReadAgainAfter
            : policy?.Id == id || (state.TriedId == id && !MayTry(state, now));
    }

    /// <summary>What the store has; where that is not what DNS names, what the domain has.</summary>
    private async Task<DomainState> LookAsync(string domain, string? id)
    {
        var stored = Valid(await table.ReadAsync(domain, CancellationToken.None), time.GetUtcNow());
        var now = time.GetUtcNow();
        if (id is null || (stored?.Id == id && now < stored.FetchedAt + RefreshAfter))
        {
            return new DomainState(stored, now, null, now, null, "");
        }

        var fetched = await fetch.FetchAsync(domain);
        now = time.GetUtcNow();
        if (fetched.Policy is null)
        {
            LogNotFetched(domain, fetched.Reason);
            return new DomainState(stored, now, id, now, fetched.Failure, fetched.Reason);
        }

        var known = new KnownPolicy(fetched.Policy, id, now);
        try
        {
            await table.WriteAsync(domain, known, CancellationToken.None);
        }
        catch (StoreException e)
        {
            LogNotKept(e, domain);
        }

        return new DomainState(known, now, id, now, null, "");
    }

    private async Task RefreshAsync(string domain, string id)
    {
        try
        {
            _known.Set(domain, Task.FromResult(await LookAsync(domain, id)));
        }
        catch (StoreException)
        {
            // What is known holds; it is tried again in a while.
        }
    }

    private static bool MayTry(DomainState state, DateTimeOffset now) => now >= state.TriedAt + RetryAfter;

    private static KnownPolicy? Valid(KnownPolicy? policy, DateTimeOffset now) => policy?.IsValid(now) == true ? policy : null;

    [LoggerMessage(1, LogLevel.Information, "The MTA-STS policy of {Domain} could not be fetched: {Reason}")]
    private partial void LogNotFetched(string domain, string reason);

    [LoggerMessage(2, LogLevel.Warning, "The MTA-STS policy of {Domain} was fetched and could not be stored.")]
    private partial void LogNotKept(Exception e, string domain);

    /// <summary>What is known of a domain.</summary>
    /// <param name="ReadAt">When the store was read.</param>
    /// <param name="TriedId">What the last fetch was for; null: none was needed.</param>
    /// <param name="Failure">Of the last fetch.</param>
    private sealed record DomainState(
        KnownPolicy? Policy, DateTimeOffset ReadAt, string? TriedId, DateTimeOffset TriedAt, TlsResultType? Failure, string Reason);
}

/// <param name="Policy">That holds now; null: none.</param>
/// <param name="Failure">Why the newest could not be had; an older one may hold all the same.</param>
internal sealed record StsFinding(StsPolicy? Policy, TlsResultType? Failure, string Reason)
{
    public static StsFinding None { get; } = new(null, null, "");
}
