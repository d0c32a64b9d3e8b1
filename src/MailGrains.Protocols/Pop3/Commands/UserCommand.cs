using System.Text;
using System.Text.Unicode;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>USER (RFC 1939 §7); the same answer for every name, and UTF-8 in it (RFC 6856 §2.2).</summary>
internal static class UserCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.Sasl.AllowsLogin)
        {
            return new(Pop3Reply.ClearTextRefused);
        }

        if (arguments.IsEmpty || !Utf8.IsValid(arguments))
        {
            return new(Pop3Reply.SyntaxError);
        }

        session.UserName = Encoding.UTF8.GetString(arguments);
        return new(Pop3Reply.SendPassword);
    }
}
