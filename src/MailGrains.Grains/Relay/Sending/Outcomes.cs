using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>What a step of the client means for a recipient.</summary>
internal static class Outcomes
{
    /// <param name="host">The server's name.</param>
    public static RecipientOutcome Of(int recipient, SmtpResult result, bool hasDsn, string? host) => result switch
    {
        { IsAccepted: true } => new(
            recipient, hasDsn ? OutcomeKind.Relayed : OutcomeKind.RelayedWithoutDsn, result.Reply!.Code, result.Reply.DsnStatus, Bounded(result.Reply.Text), host),
        { Cause: SmtpCause.Reply or SmtpCause.TooManyRecipients, Reply: { } reply } => OfReply(recipient, result.Verdict, reply, host),
        _ => OfCause(recipient, result, host),
    };

    public static RecipientOutcome Of(int recipient, DestinationFailure failure) => new(
        recipient, failure.IsPermanent ? OutcomeKind.Failed : OutcomeKind.Deferred, failure.Code, failure.Enhanced, Bounded(failure.Text), null);

    /// <summary>It may work later, whatever was said.</summary>
    public static RecipientOutcome AsTemporary(RecipientOutcome outcome) => outcome.Kind != OutcomeKind.Failed
        ? outcome
        : outcome with { Kind = OutcomeKind.Deferred, Enhanced = string.Concat("4", outcome.Enhanced.AsSpan(1)) };

    private static RecipientOutcome OfReply(int recipient, SmtpVerdict verdict, PeerReply reply, string? host)
    {
        // RFC 3463 §2: the class says what becomes of the message, which may be milder than the code.
        var enhanced = verdict == SmtpVerdict.Temporary ? string.Concat("4", reply.DsnStatus.AsSpan(1)) : reply.DsnStatus;
        return new(recipient, verdict == SmtpVerdict.Permanent ? OutcomeKind.Failed : OutcomeKind.Deferred, reply.Code, enhanced, Bounded(reply.Text), host);
    }

    private static RecipientOutcome OfCause(int recipient, SmtpResult result, string? host)
    {
        var (code, enhanced) = (result.Cause, result.Stage) switch
        {
            // RFC 3463 §3.5: no answer from host; bad connection.
            (SmtpCause.ConnectionLost or SmtpCause.TimedOut, SmtpStage.Connect) => (451, "4.4.1"),
            (SmtpCause.ConnectionLost or SmtpCause.TimedOut, _) => (451, "4.4.2"),
            (SmtpCause.BadReply, _) => (451, "4.5.0"),
            (SmtpCause.TlsFailed, _) => (451, "4.7.5"),
            (SmtpCause.NotOffered, SmtpStage.StartTls) => (451, "4.7.4"),
            (SmtpCause.NotOffered, SmtpStage.Auth) => (451, "4.7.4"),
            (SmtpCause.ServerNotProven, _) => (451, "4.7.8"),
            (SmtpCause.NotOffered, _) => (554, "5.3.3"),
            (SmtpCause.TooLarge, _) => (552, "5.3.4"),
            (SmtpCause.BadContent, _) => (554, "5.6.0"),
            (SmtpCause.BadEnvelope, SmtpStage.Mail) => (553, "5.1.7"),
            (SmtpCause.BadEnvelope, _) => (553, "5.1.3"),
            (SmtpCause.TooLate, _) => (554, "5.4.7"),
            _ => (451, "4.3.0"),
        };
        var isPermanent = result.Verdict == SmtpVerdict.Permanent && code >= 500;
        return new(
            recipient, isPermanent ? OutcomeKind.Failed : OutcomeKind.Deferred, isPermanent ? code : 0,
            isPermanent ? enhanced : string.Concat("4", enhanced.AsSpan(1)), Bounded(result.Text), host);
    }

    private static string Bounded(string text) => text.Length <= RecipientOutcome.MaxTextLength ? text : text[..RecipientOutcome.MaxTextLength];
}
