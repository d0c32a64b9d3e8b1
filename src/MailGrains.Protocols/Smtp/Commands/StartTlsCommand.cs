using System.Buffers;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>STARTTLS (RFC 3207 §4). What the client said before, its EHLO included, is forgotten.</summary>
internal static class StartTlsCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Tls is not null)
        {
            return new(SmtpReply.TlsActive503);
        }

        // RFC 3207 §4.2: a login in clear would have to be forgotten.
        if (session.Identity is not null)
        {
            return new(SmtpReply.BadSequence503);
        }

        if (!session.OffersStartTls)
        {
            return new(SmtpReply.NotImplemented502);
        }

        return arguments.IsEmpty ? SecureAsync(session) : new(SmtpReply.SyntaxError501);
    }

    private static async ValueTask<SmtpReply?> SecureAsync(SmtpServerSession session)
    {
        session.Channel.Write(SmtpReply.ReadyForTls220.Wire.Span);
        if (await session.SecureAsync())
        {
            await session.ResetTransactionAsync();
            session.State = SmtpState.Connected;
        }

        return null;
    }
}
