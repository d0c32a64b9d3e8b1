using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>EHLO and HELO (RFC 5321 §4.1.1.1); in a session that runs they end the open transaction (RFC 5321 §4.1.4).</summary>
internal static class HelloCommand
{
    public static ValueTask<SmtpReply?> EhloAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => new(Greet(session, arguments, true));

    public static ValueTask<SmtpReply?> HeloAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => new(Greet(session, arguments, false));

    private static SmtpReply Greet(SmtpServerSession session, ReadOnlySpan<byte> arguments, bool extended)
    {
        var decoder = new TextDecoder(arguments);
        var name = PathDecoder.ExpectHelloName(ref decoder);
        decoder.ExpectEnd();
        if (decoder.Failed)
        {
            return SmtpReply.SyntaxError501;
        }

        session.ResetTransaction();
        session.Backend.Hello(new SmtpHello(name, extended));
        session.State = SmtpState.Ready;
        return extended ? session.Options.EhloReply : session.Options.HeloReply;
    }
}
