namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>RSET (RFC 1939 §5).</summary>
internal static class RsetCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        session.View.UndeleteAll();
        return new(Pop3Reply.Done);
    }
}
