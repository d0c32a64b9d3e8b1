namespace MailGrains.Protocols.Sasl;

public enum SaslStatus
{
    Accepted = 1,

    /// <summary>Unknown name, wrong secret, or no right to act as somebody else: the client hears no difference.</summary>
    BadCredentials = 2,

    /// <summary>This account may not use this protocol.</summary>
    Disabled = 3,

    /// <summary>Refused for a while, whatever the secret, after too many failures.</summary>
    Locked = 4,

    /// <summary>A passing failure of ours.</summary>
    Unavailable = 5,
}

/// <summary>Who has logged in; backends derive their own.</summary>
public record SaslIdentity(string Name);

/// <summary>The accounts' answer; <see cref="Identity"/> goes with <see cref="SaslStatus.Accepted"/> only.</summary>
/// <param name="Text">For people, where there is something to say: how long an account is locked.</param>
public sealed record SaslResult(SaslStatus Status, SaslIdentity? Identity, string? Text = null)
{
    public static SaslResult Accept(SaslIdentity identity) => new(SaslStatus.Accepted, identity);

    public static SaslResult Refuse(SaslStatus status, string? text = null) => new(status, null, text);
}
