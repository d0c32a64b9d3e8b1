using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>LIST [msg] (RFC 1939 §5).</summary>
internal static class ListCommand
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

        session.WriteNumbers("+OK "u8, index + 1, session.View.Maildrop.Octets(index));
        return default;
    }

    private static async ValueTask<Pop3Reply?> ListAllAsync(Pop3ServerSession session)
    {
        var view = session.View;
        session.WriteNumbers("+OK "u8, view.RemainingCount, view.RemainingOctets);
        for (var i = 0; i < view.Maildrop.Count; i++)
        {
            if (view.IsDeleted(i))
            {
                continue;
            }

            session.WriteNumbers(default, i + 1, view.Maildrop.Octets(i));
            if (!await session.FlushWhenFullAsync())
            {
                return null;
            }
        }

        session.WriteLine(".");
        return null;
    }
}
