namespace MailGrains.Protocols.Sasl;

/// <summary>What PLAIN (RFC 4616), or a protocol's own login by name and password, proves.</summary>
/// <param name="AuthorizationId">Whom to act as; empty: the same as <paramref name="AuthenticationId"/>.</param>
public sealed record PlainCredentials(string AuthorizationId, string AuthenticationId, string Password)
{
    /// <summary>Without the password: it can't get into a log by accident.</summary>
    public override string ToString() => $"PLAIN {AuthenticationId}";
}
