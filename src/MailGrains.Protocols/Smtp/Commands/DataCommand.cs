using System.Buffers;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>DATA (RFC 5321 §4.1.1.4).</summary>
internal static class DataCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!arguments.IsEmpty)
        {
            return new(SmtpReply.SyntaxError501);
        }

        // RFC 3030 §3.
        return session.Parameters.Body == BodyType.BinaryMime ? new(SmtpReply.BinaryNeedsChunks503) : ReceiveAsync(session);
    }

    private static async ValueTask<SmtpReply?> ReceiveAsync(SmtpServerSession session)
    {
        var start = await session.Backend.BeginContentAsync(session.Aborted);
        if (start.Sink is null)
        {
            return start.Refusal ?? SmtpReply.LocalError451;
        }

        session.Channel.Write(SmtpReply.StartMailInput354.Wire.Span);
        var (flow, decoder) = session.BeginFlow(start.Sink, ContentForm.Dotted);
        var reply = await new ContentReceiver(session, flow, decoder).ReceiveAsync();
        await session.ResetTransactionAsync();
        if (reply is { IsPositive: true })
        {
            session.Errors.Forgive();
        }

        return reply;
    }
}
