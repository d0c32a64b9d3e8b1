namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>RSET (RFC 5321 §4.1.1.5); before EHLO it is as good as NOOP.</summary>
internal static class RsetCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!arguments.IsEmpty)
        {
            return new(SmtpReply.SyntaxError501);
        }

        return ResetAsync(session);
    }

    private static async ValueTask<SmtpReply?> ResetAsync(SmtpServerSession session)
    {
        await session.ResetTransactionAsync();
        return SmtpReply.Ok250;
    }
}
