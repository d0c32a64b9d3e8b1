namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>STAT (RFC 1939 §5): messages marked as deleted are not counted.</summary>
internal static class StatCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        session.WriteNumbers("+OK "u8, session.View.RemainingCount, session.View.RemainingOctets);
        return default;
    }
}
