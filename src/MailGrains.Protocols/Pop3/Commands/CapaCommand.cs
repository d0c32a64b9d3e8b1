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
        List<string> lines = [.. Capabilities];
        if (session.Sasl.AllowsLogin)
        {
            lines.InsertRange(0, ["USER", "SASL " + string.Join(' ', session.Sasl.Offered)]);
        }

        if (session.OffersStls)
        {
            lines.Add("STLS");
        }

        session.WriteLines("+OK capabilities follow", [.. lines]);
        return default;
    }
}
