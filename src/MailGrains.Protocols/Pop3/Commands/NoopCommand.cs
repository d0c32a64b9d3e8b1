namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>NOOP (RFC 1939 §5).</summary>
internal static class NoopCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments) => new(Pop3Reply.Done);
}
