using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Smtp;

/// <summary>What is known of a connection before its first command; immutable.</summary>
public sealed record SmtpConnection
{
    /// <summary>Somebody of whom nothing is known, without TLS.</summary>
    public static SmtpConnection Plain { get; } = new();

    /// <summary>For STARTTLS, or for TLS at once; null: neither.</summary>
    public TlsCertificates? Certificates { get; init; }

    /// <summary>Who checks logins; null: AUTH is not offered.</summary>
    public ISaslBackend? Accounts { get; init; }

    /// <summary>Logins are taken without TLS too.</summary>
    public bool AllowsClearTextLogin { get; init; }

    /// <summary>Tokens are checked too (OAUTHBEARER, XOAUTH2).</summary>
    public bool OffersBearer { get; init; }

    /// <summary>Greeted at once, and refusals are not slowed down.</summary>
    public bool IsTrusted { get; init; }
}
