using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Storage;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// What is answered to <c>/.well-known/acme-challenge/{token}</c> (RFC 8555 §8.3). A token that is not known is looked for in the store, by one reading for
/// all who ask meanwhile, and one reading a second at the most: who tries out tokens costs the store no more than that. A reading begins after
/// the question, so what was published before it is found.
/// </summary>
internal sealed class ChallengeAnswers(ChallengeRows rows, TimeProvider time)
{
    private const int MaxWaiting = 1_000;

    /// <summary>A process that is asked for tokens all the time answers at once for what was published this long, and a little, before.</summary>
    internal static readonly TimeSpan ReadingPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private volatile IReadOnlyDictionary<string, string> _known = new Dictionary<string, string>();
    private Task<IReadOnlyDictionary<string, string>>? _next;
    private long? _lastBegan;
    private int _waiting;

    /// <summary>Null: there is no such challenge, as far as can be known now.</summary>
    public async Task<string?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (!ChallengeToken.IsGood(token))
        {
            return null;
        }

        if (_known.TryGetValue(token, out var known))
        {
            return known;
        }

        try
        {
            return Interlocked.Increment(ref _waiting) <= MaxWaiting
                ? (await NextReading().WaitAsync(Limit, cancellationToken)).GetValueOrDefault(token)
                : null;
        }
        catch (Exception e) when (e is StoreException or TimeoutException)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private Task<IReadOnlyDictionary<string, string>> NextReading()
    {
        lock (_gate)
        {
            return _next ??= Task.Run(ReadAsync);
        }
    }

    private async Task<IReadOnlyDictionary<string, string>> ReadAsync()
    {
        if (_lastBegan is { } last && ReadingPeriod - time.GetElapsedTime(last) is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(wait, time);
        }

        lock (_gate)
        {
            _next = null;
            _lastBegan = time.GetTimestamp();
        }

        // The store's calls have limits of their own.
        return _known = await rows.ReadAsync(CancellationToken.None);
    }
}
