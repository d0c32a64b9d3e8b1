using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>TOP msg n (RFC 1939 §7).</summary>
internal static class TopCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        var decoder = new TextDecoder(arguments);
        var message = session.View.ExpectMessage(ref decoder);
        decoder.ExpectSpaces();
        var lines = decoder.ExpectNumber();
        decoder.ExpectEnd();
        return decoder.Failed || message is not { } index
            ? new(decoder.Failed ? Pop3Reply.SyntaxError : Pop3Reply.NoSuchMessage)
            : MessageSender.SendAsync(session, index, lines);
    }
}
