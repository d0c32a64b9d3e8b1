namespace MailGrains.Protocols.Sasl;

internal enum SaslOutcome
{
    /// <summary>The client's response was not one of this mechanism.</summary>
    Malformed = 0,

    /// <summary>Another challenge is to be sent.</summary>
    Challenge = 1,

    /// <summary>The client has shown credentials, to be checked.</summary>
    Credentials = 2,
}

/// <summary>What a mechanism made of a response.</summary>
internal readonly record struct SaslStep(SaslOutcome Outcome, ReadOnlyMemory<byte> Challenge, PlainCredentials? Credentials)
{
    public static SaslStep Malformed => default;

    public static SaslStep Prove(PlainCredentials credentials) => new(SaslOutcome.Credentials, default, credentials);
}

/// <summary>
/// One authentication by one mechanism (RFC 4422 §3), server side: pure, it is fed decoded responses and knows neither protocol nor accounts.
/// </summary>
internal abstract class SaslExchange
{
    /// <summary>Sent when the command brought no initial response; empty where the client speaks first.</summary>
    public virtual ReadOnlyMemory<byte> FirstChallenge => default;

    public abstract SaslStep Next(ReadOnlySpan<byte> response);
}
