using DnsClient;
using MailGrains.Messages.Dns;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>DNS with a memory: an answer is kept for its time to live, within bounds, and who asks for what is being asked for waits for that answer.</summary>
internal sealed class AnswerCache(DestinationOptions options, TimeProvider time)
{
    private readonly DnsResolver _resolver = new(new DnsResolverOptions
    {
        Servers = options.DnsServers,
        TrustsAuthenticatedData = options.TrustAuthenticatedData,
        RepeatAfter = TimeSpan.FromSeconds(5),
        MaxWaiting = 2048,
    });

    private readonly RecentlyUsed<(string Name, QueryType Type), Task<KeptAnswer>> _known = new(options.KnownAnswers);

    /// <remarks>Throws where the caller gives up, and never else.</remarks>
    public async Task<DnsAnswer> AskAsync(string name, QueryType type, CancellationToken cancellationToken)
    {
        // Neither under the map's lock, nor in the turn of a grain that happens to ask first.
        var asked = _known.GetOrAdd((name, type), IsGood, () => Task.Run(() => AskNowAsync(name, type), CancellationToken.None));
        return (await asked.WaitAsync(cancellationToken)).Answer;
    }

    private bool IsGood(Task<KeptAnswer> asked) => !asked.IsCompleted || time.GetElapsedTime(asked.Result.At) < asked.Result.KeptFor;

    private async Task<KeptAnswer> AskNowAsync(string name, QueryType type)
    {
        using var limit = new CancellationTokenSource(options.LookupLimit, time);
        var answer = await _resolver.AskAsync(name, type, limit.Token);
        return new KeptAnswer(answer, time.GetTimestamp(), KeptFor(answer));
    }

    private TimeSpan KeptFor(DnsAnswer answer)
    {
        var most = answer.Outcome switch
        {
            DnsOutcome.Found => options.MaxTimeToLive,
            DnsOutcome.Failed => options.MinTimeToLive,
            _ => options.MaxNegativeTimeToLive,
        };
        return answer.TimeToLive > most ? most : answer.TimeToLive < options.MinTimeToLive ? options.MinTimeToLive : answer.TimeToLive;
    }

    private sealed record KeptAnswer(DnsAnswer Answer, long At, TimeSpan KeptFor);
}
