namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>What MAIL and RCPT may say in a session at this moment, and what it is held against.</summary>
/// <param name="TakesAuth">AUTH= is known where AUTH is offered (RFC 4954 §5).</param>
/// <param name="IsSecure">The connection is encrypted.</param>
internal readonly record struct ParameterRules(SmtpExtensions Offered, bool TakesAuth, bool IsSecure)
{
    public DateTimeOffset Now { get; init; }

    public TimeSpan MaxHold { get; init; }

    public TimeSpan MinDeliverBy { get; init; }

    public bool Offers(SmtpExtensions extension) => (Offered & extension) != 0;
}
