namespace MailGrains.Protocols.Sasl;

/// <summary>What OAUTHBEARER or XOAUTH2 shows.</summary>
/// <param name="User">Whose mailbox; may be empty with OAUTHBEARER, then the token alone says it.</param>
/// <param name="AuthorizationId">Whom to act as; empty: the same as <paramref name="User"/>.</param>
public sealed record BearerCredentials(string User, string AuthorizationId, string Token)
{
    /// <summary>Without the token: it can't get into a log by accident.</summary>
    public override string ToString() => $"Bearer {User}";
}
