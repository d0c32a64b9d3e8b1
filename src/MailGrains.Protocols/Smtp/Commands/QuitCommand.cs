using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>QUIT (RFC 5321 §4.1.1.10); an open transaction is forgotten.</summary>
internal static class QuitCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!arguments.IsEmpty)
        {
            return new(SmtpReply.SyntaxError501);
        }

        session.End = SessionEnd.Quit;
        return new(SmtpReply.Bye221);
    }
}
