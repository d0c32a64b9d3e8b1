namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>VRFY (RFC 5321 §4.1.1.6): 252 for every name, so that it tells nobody which addresses exist (RFC 5321 §7.3).</summary>
internal static class VrfyCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) =>
        new(arguments.IsEmpty ? SmtpReply.SyntaxError501 : SmtpReply.CannotVerify252);
}
