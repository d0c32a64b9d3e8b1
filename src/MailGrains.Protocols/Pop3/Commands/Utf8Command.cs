namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>
/// UTF8 (RFC 6856 §2.1). Messages go out as they are with and without it: a store that never rewrites mail has no downgraded twin to send, and
/// refusing the message would keep it from its owner.
/// </summary>
internal static class Utf8Command
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments) =>
        new(arguments.IsEmpty ? Pop3Reply.Utf8Enabled : Pop3Reply.SyntaxError);
}
