using MailGrains.Protocols.Smtp.Parameters;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>MAIL (RFC 5321 §4.1.1.2).</summary>
internal static class MailCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Options.IsSubmission && session.Identity is null)
        {
            return new(session.Policy.Offered.Count == 0 ? SmtpReply.EncryptionRequired530 : SmtpReply.LoginRequired530);
        }

        var refusal = Parse(arguments, session.Rules, out var reversePath, out var parameters);
        if (refusal is null && parameters.Size > session.Options.MaxMessageBytes)
        {
            // RFC 1870 §6.1.
            refusal = SmtpReply.MessageTooLarge552;
        }

        return refusal is null ? AskAsync(session, reversePath, parameters) : new(refusal);
    }

    private static async ValueTask<SmtpReply?> AskAsync(SmtpServerSession session, ReversePath reversePath, MailParameters parameters)
    {
        var isLowered = parameters.Priority > 0 && !session.MayRaisePriority;
        if (isLowered)
        {
            parameters = parameters with { Priority = 0 };
        }

        var reply = await session.Backend.MailAsync(reversePath, parameters, session.Aborted);
        if (reply.IsPositive)
        {
            session.State = SmtpState.Sender;
            session.Parameters = parameters;
        }

        // RFC 6710: 250 X.3.6 says that the priority is another.
        return isLowered && reply.IsPositive ? SmtpReply.PriorityLowered250 : reply;
    }

    /// <summary>Null when the arguments are well formed.</summary>
    internal static SmtpReply? Parse(
        ReadOnlySpan<byte> arguments, in ParameterRules rules, out ReversePath reversePath, out MailParameters parameters)
    {
        parameters = default;
        reversePath = default;
        var decoder = new TextDecoder(arguments);
        if (!decoder.TryText("FROM:"u8))
        {
            return SmtpReply.SyntaxError501;
        }

        // RFC 5321 §3.3 has no space here; enough clients send one.
        decoder.TrySpaces();
        reversePath = PathDecoder.ExpectReversePath(ref decoder);
        if (decoder.Failed)
        {
            return SmtpReply.BadSenderSyntax501;
        }

        var refusal = MailParameterDecoder.Decode(ref decoder, rules, ref parameters);
        return refusal is null && reversePath.Mailbox is { IsAscii: false } && !parameters.SmtpUtf8 ? SmtpReply.NeedsSmtpUtf8553 : refusal;
    }
}
