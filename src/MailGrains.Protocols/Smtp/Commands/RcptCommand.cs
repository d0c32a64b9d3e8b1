using MailGrains.Protocols.Smtp.Parameters;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>RCPT (RFC 5321 §4.1.1.3).</summary>
internal static class RcptCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Recipients >= session.Options.MaxRecipients)
        {
            // RFC 5321 §4.5.3.1.10: 452, and the client sends the rest in a transaction of its own.
            return new(SmtpReply.TooManyRecipients452);
        }

        var refusal = Parse(arguments, session.Rules, session.Parameters.SmtpUtf8, out var forwardPath, out var parameters);
        return refusal is null ? AskAsync(session, forwardPath, parameters) : new(refusal);
    }

    private static async ValueTask<SmtpReply?> AskAsync(SmtpServerSession session, ForwardPath forwardPath, RcptParameters parameters)
    {
        var reply = await session.Backend.RcptAsync(forwardPath, parameters, session.Aborted);
        if (reply.IsPositive)
        {
            session.State = SmtpState.Recipients;
            session.Recipients++;
        }

        return reply;
    }

    /// <summary>Null when the arguments are well formed.</summary>
    /// <param name="smtpUtf8">MAIL said SMTPUTF8.</param>
    internal static SmtpReply? Parse(
        ReadOnlySpan<byte> arguments, in ParameterRules rules, bool smtpUtf8, out ForwardPath forwardPath, out RcptParameters parameters)
    {
        parameters = default;
        forwardPath = default;
        var decoder = new TextDecoder(arguments);
        if (!decoder.TryText("TO:"u8))
        {
            return SmtpReply.SyntaxError501;
        }

        // RFC 5321 §3.3 has no space here; enough clients send one.
        decoder.TrySpaces();
        forwardPath = PathDecoder.ExpectForwardPath(ref decoder);
        if (decoder.Failed)
        {
            return SmtpReply.BadRecipientSyntax501;
        }

        var refusal = RcptParameterDecoder.Decode(ref decoder, rules, smtpUtf8, ref parameters);
        return refusal is null && forwardPath.Mailbox is { IsAscii: false } && !smtpUtf8 ? SmtpReply.NeedsSmtpUtf8553 : refusal;
    }
}
