using MailGrains.Contracts.Relay;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>How one server gets a message: as it is, or what is made of it for a server that takes less.</summary>
/// <param name="Body">BODY= of MAIL.</param>
/// <param name="SmtpUtf8">The transaction is internationalized (RFC 6531).</param>
internal sealed record MessageForm(OutgoingContent Content, BodyType Body, bool SmtpUtf8)
{
    /// <summary>Domains go as A-labels, since the server does not take others.</summary>
    public bool HasALabels { get; init; }
}

/// <param name="Refusal">Without a form: why there is none; its recipient and host are the caller's.</param>
internal readonly record struct FormResult(MessageForm? Form, RecipientOutcome? Refusal)
{
    public static FormResult Refused(int code, string enhanced, string text) =>
        new(null, new RecipientOutcome(0, code < 500 ? OutcomeKind.Deferred : OutcomeKind.Failed, code < 500 ? 0 : code, enhanced, text, null));
}
