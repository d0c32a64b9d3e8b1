using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>The request line of HTTP: a browser was led here, and what it sends on behalf of somebody is not to be read as commands.</summary>
internal static class WebRequest
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        session.End = SessionEnd.TooManyErrors;
        return new(SmtpReply.NotSmtp421);
    }
}
