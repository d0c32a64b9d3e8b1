using System.Buffers;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>STLS (RFC 2595 §4): before login only. What the client said before, a USER included, is forgotten.</summary>
internal static class StlsCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.IsSecured)
        {
            return new(Pop3Reply.TlsActive);
        }

        if (!session.OffersStls)
        {
            return new(Pop3Reply.UnknownCommand);
        }

        return arguments.IsEmpty ? SecureAsync(session) : new(Pop3Reply.SyntaxError);
    }

    private static async ValueTask<Pop3Reply?> SecureAsync(Pop3ServerSession session)
    {
        session.Channel.Write(Pop3Reply.BeginTls.Wire);
        await session.SecureAsync();
        return null;
    }
}
