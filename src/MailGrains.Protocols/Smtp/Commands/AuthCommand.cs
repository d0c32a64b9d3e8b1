using System.Text;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>AUTH mechanism [initial-response] (RFC 4954 §4).</summary>
internal static class AuthCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Connection.Accounts is not { } accounts)
        {
            return new(SmtpReply.NotImplemented502);
        }

        if (session.Identity is not null)
        {
            return new(SmtpReply.Authenticated503);
        }

        if (session.Policy.Offered.Count == 0)
        {
            return new(SmtpReply.EncryptionRequired538);
        }

        var space = arguments.IndexOf((byte)' ');
        var conversation = SaslConversation.Begin(space < 0 ? arguments : arguments[..space], session.Policy, accounts);
        if (conversation is null)
        {
            return new(arguments.IsEmpty ? SmtpReply.SyntaxError501 : SmtpReply.UnknownMechanism504);
        }

        return space < 0
            ? ConverseAsync(session, conversation, conversation.FirstChallenge ?? default)
            : RespondAsync(session, conversation, SaslMechanisms.DecodeInitial(arguments[(space + 1)..]));
    }

    private static async ValueTask<SmtpReply?> ConverseAsync(SmtpServerSession session, SaslConversation conversation, ReadOnlyMemory<byte> challenge)
    {
        Challenge(session, challenge);
        if (await session.ReadLineAsync() is not { } answer)
        {
            return null;
        }

        var (status, line) = answer;
        if (status != LineStatus.Line)
        {
            return status == LineStatus.BadLine ? SmtpReply.BadLineEnd500 : SmtpReply.AuthLineTooLong500;
        }

        return SaslMechanisms.IsCancellation(line)
            ? SmtpReply.AuthCancelled501
            : await RespondAsync(session, conversation, SaslMechanisms.Decode(line));
    }

    private static async ValueTask<SmtpReply?> RespondAsync(SmtpServerSession session, SaslConversation conversation, byte[]? response)
    {
        var step = response is null ? default : await conversation.NextAsync(response, session.Aborted);
        return step.Outcome switch
        {
            SaslOutcome.Challenge => await ConverseAsync(session, conversation, step.Challenge),
            SaslOutcome.Finished when step.Result is { } result => Finish(session, result),
            _ => SmtpReply.MalformedResponse501,
        };
    }

    private static SmtpReply Finish(SmtpServerSession session, SaslResult result)
    {
        switch (result.Status)
        {
            case SaslStatus.Accepted when result.Identity is not null:
                session.Authenticate(result.Identity);
                return SmtpReply.Authenticated235;
            case SaslStatus.BadCredentials:
                return session.RefuseLogin(SmtpReply.BadCredentials535);
            case SaslStatus.Disabled:
                return session.RefuseLogin(SmtpReply.AccountDisabled525);
            case SaslStatus.Locked:
                return session.RefuseLogin(new SmtpReply(454, new EnhancedCode(7, 0), result.Text ?? "Too many failed logins, try again later"));
            default:
                // It may be nobody's fault, but a session does not try for ever.
                return session.RefuseLogin(SmtpReply.LoginUnavailable454);
        }
    }

    private static void Challenge(SmtpServerSession session, ReadOnlyMemory<byte> challenge)
    {
        Encoding.ASCII.GetBytes($"334 {Convert.ToBase64String(challenge.Span)}\r\n", session.Channel);
    }
}
