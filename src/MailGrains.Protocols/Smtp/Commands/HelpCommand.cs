namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>HELP (RFC 5321 §4.1.1.8): the same text whatever the argument.</summary>
internal static class HelpCommand
{
    private static readonly SmtpReply Help214 = new(214, new EnhancedCode(0, 0), "Commands: " + SmtpCommandTable.OfferedVerbs);

    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => new(Help214);
}
