using System.Buffers;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>DATA (RFC 5321 §4.1.1.4).</summary>
internal static class DataCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) =>
        arguments.IsEmpty ? ReceiveAsync(session) : new(SmtpReply.SyntaxError501);

    private static async ValueTask<SmtpReply?> ReceiveAsync(SmtpServerSession session)
    {
        var start = await session.Backend.BeginContentAsync(session.Aborted);
        if (start.Sink is null)
        {
            return start.Refusal ?? SmtpReply.LocalError451;
        }

        session.Channel.Write(SmtpReply.StartMailInput354.Wire.Span);
        var reply = await new ContentReceiver(session, start.Sink).ReceiveAsync();
        session.ResetTransaction();
        if (reply is { IsPositive: true })
        {
            session.ForgiveErrors();
        }

        return reply;
    }
}
