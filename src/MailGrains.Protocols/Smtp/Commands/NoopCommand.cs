namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>NOOP (RFC 5321 §4.1.1.9): whatever argument there is, is ignored.</summary>
internal static class NoopCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => new(SmtpReply.Ok250);
}
