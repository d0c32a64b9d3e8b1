namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>CAPA (RFC 2449 §5): only what works on this connection.</summary>
internal static class CapaCommand
{
    private static readonly string[] Capabilities =
    [
        "TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "UTF8 USER", "LANG", "EXPIRE NEVER", "IMPLEMENTATION MailGrains",
    ];

    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        session.WriteLines("+OK capabilities follow",
            session.Sasl.AllowsLogin ? ["USER", "SASL " + string.Join(' ', session.Sasl.Offered), .. Capabilities] : Capabilities);
        return default;
    }
}
