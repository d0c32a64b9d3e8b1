using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>QUIT: after login the UPDATE state (RFC 1939 §6), the only place where messages go.</summary>
internal static class QuitCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        session.End = SessionEnd.Quit;
        return session.IsLoggedIn && session.View.DeletedIndexes() is { Count: > 0 } indexes ? DeleteAsync(session, indexes) : new(Pop3Reply.Bye);
    }

    private static async ValueTask<Pop3Reply?> DeleteAsync(Pop3ServerSession session, List<int> indexes)
    {
        try
        {
            return await session.View.Maildrop.DeleteAsync(indexes, session.Aborted) ? Pop3Reply.Bye : Pop3Reply.NotDeleted;
        }
        catch (Exception failure)
        {
            session.Backend.Failed(failure);
            return Pop3Reply.NotDeleted;
        }
    }
}
