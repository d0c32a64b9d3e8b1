using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>UIDL [msg] (RFC 1939 §7).</summary>
internal static class UidlCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (arguments.IsEmpty)
        {
            return ListAllAsync(session);
        }

        var decoder = new TextDecoder(arguments);
        var message = session.View.ExpectMessage(ref decoder);
        decoder.ExpectEnd();
        if (decoder.Failed || message is not { } index)
        {
            return new(decoder.Failed ? Pop3Reply.SyntaxError : Pop3Reply.NoSuchMessage);
        }

        session.WriteUniqueId("+OK "u8, index);
        return default;
    }

    private static async ValueTask<Pop3Reply?> ListAllAsync(Pop3ServerSession session)
    {
        var view = session.View;
        session.WriteLine("+OK unique ids follow");
        for (var i = 0; i < view.Maildrop.Count; i++)
        {
            if (view.IsDeleted(i))
            {
                continue;
            }

            session.WriteUniqueId(default, i);
            if (!await session.FlushWhenFullAsync())
            {
                return null;
            }
        }

        session.WriteLine(".");
        return null;
    }
}
