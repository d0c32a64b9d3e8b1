using System.Globalization;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>What PASS and AUTH share once the credentials are known.</summary>
internal static class Login
{
    public static async ValueTask<Pop3Reply?> LoginAsync(Pop3ServerSession session, PlainCredentials credentials)
    {
        var login = await session.Backend.LoginAsync(credentials, session.Aborted);
        switch (login.Status)
        {
            case Pop3LoginStatus.Accepted when login.Maildrop is not null:
                var view = session.Open(login.Maildrop);
                return Pop3Reply.Ok(string.Create(CultureInfo.InvariantCulture, $"{view.RemainingCount} messages ({view.RemainingOctets} octets)"));
            case Pop3LoginStatus.BadCredentials:
                await DelayAsync(session);
                return Pop3Reply.BadCredentials;
            case Pop3LoginStatus.Disabled:
                return Pop3Reply.AccountDisabled;
            default:
                return Pop3Reply.Unavailable;
        }
    }

    /// <summary>Guessing is slow and ends soon; a timer waits, no thread.</summary>
    private static async ValueTask DelayAsync(Pop3ServerSession session)
    {
        if (++session.FailedLogins >= session.Options.MaxFailedLogins)
        {
            session.End = SessionEnd.TooManyErrors;
        }

        await Task.Delay(session.Options.FailedLoginDelay, session.TimeProvider, session.Aborted);
    }
}
