using System.Text;
using System.Text.Unicode;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>PASS (RFC 1939 §7): all that follows the one space is the password, spaces included.</summary>
internal static class PassCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.Sasl.AllowsLogin)
        {
            return new(Pop3Reply.ClearTextRefused);
        }

        if (session.UserName is not { } name)
        {
            return new(Pop3Reply.SendUserFirst);
        }

        session.UserName = null;
        return arguments.IsEmpty || !Utf8.IsValid(arguments)
            ? new(Pop3Reply.SyntaxError)
            : LoginAsync(session, new PlainCredentials("", name, Encoding.UTF8.GetString(arguments)));
    }

    private static async ValueTask<Pop3Reply?> LoginAsync(Pop3ServerSession session, PlainCredentials credentials) =>
        await Login.FinishAsync(session, await session.Accounts.CheckPasswordAsync(credentials, session.Aborted));
}
