using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>DELE msg (RFC 1939 §5): a mark of this session, nothing more until QUIT.</summary>
internal static class DeleCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        var decoder = new TextDecoder(arguments);
        var message = session.View.ExpectMessage(ref decoder);
        decoder.ExpectEnd();
        if (decoder.Failed || message is not { } index)
        {
            return new(decoder.Failed ? Pop3Reply.SyntaxError : Pop3Reply.NoSuchMessage);
        }

        session.View.Delete(index);
        return new(Pop3Reply.Done);
    }
}
