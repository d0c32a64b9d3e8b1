namespace MailGrains.Protocols.Sasl;

public enum SaslOutcome
{
    /// <summary>The client's response was not one of this mechanism; the conversation is over.</summary>
    Malformed = 0,

    /// <summary>Another challenge is to be sent.</summary>
    Challenge = 1,

    /// <summary>The conversation is over, and <see cref="SaslStep.Result"/> says how.</summary>
    Finished = 2,
}

/// <summary>What a response led to.</summary>
public readonly record struct SaslStep(SaslOutcome Outcome, ReadOnlyMemory<byte> Challenge, SaslResult? Result)
{
    public static SaslStep Malformed => default;

    public static SaslStep Ask(ReadOnlyMemory<byte> challenge) => new(SaslOutcome.Challenge, challenge, null);

    public static SaslStep Finish(SaslResult result) => new(SaslOutcome.Finished, default, result);
}

/// <summary>
/// One authentication (RFC 4422 §3), of any protocol: fed decoded responses, it says what to send or how it ended. It knows neither the protocol nor
/// the accounts. Once over, it takes nothing more.
/// </summary>
public sealed class SaslConversation
{
    private SaslExchange? _exchange;
    private bool _hasBegun;

    internal SaslConversation(SaslExchange exchange) => _exchange = exchange;

    /// <summary>What to send when the command brought no initial response, empty where the client speaks first; null once it has spoken.</summary>
    public ReadOnlyMemory<byte>? FirstChallenge => _hasBegun ? null : _exchange?.FirstChallenge;

    /// <summary>Null: the mechanism is not offered.</summary>
    public static SaslConversation? Begin(ReadOnlySpan<byte> mechanism, SaslPolicy policy, ISaslBackend backend) =>
        SaslMechanisms.Find(mechanism, policy) is { } found ? new(found.Begin(policy, backend)) : null;

    public async ValueTask<SaslStep> NextAsync(byte[] response, CancellationToken cancellationToken)
    {
        // Gone while it works: what fails half-way can't be gone on with.
        var exchange = _exchange;
        _exchange = null;
        _hasBegun = true;
        if (exchange is null || response.Length > SaslMechanisms.MaxResponseBytes)
        {
            return SaslStep.Malformed;
        }

        var step = await exchange.NextAsync(response, cancellationToken);
        if (step.Outcome == SaslOutcome.Challenge)
        {
            _exchange = exchange;
        }

        return step;
    }
}
