using System.Globalization;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>What PASS and AUTH share once the accounts have answered.</summary>
internal static class Login
{
    public static async ValueTask<Pop3Reply?> FinishAsync(Pop3ServerSession session, SaslResult result)
    {
        switch (result.Status)
        {
            case SaslStatus.Accepted when result.Identity is not null:
                return await OpenAsync(session, result.Identity);
            case SaslStatus.BadCredentials:
                await DelayAsync(session);
                return Pop3Reply.BadCredentials;
            case SaslStatus.Locked:
                await DelayAsync(session);
                return result.Text is null ? Pop3Reply.AccountLocked : Pop3Reply.Err($"[AUTH] {result.Text}");
            case SaslStatus.Disabled:
                return Pop3Reply.AccountDisabled;
            default:
                return Pop3Reply.Unavailable;
        }
    }

    private static async ValueTask<Pop3Reply?> OpenAsync(Pop3ServerSession session, SaslIdentity identity)
    {
        if (await session.Backend.OpenMaildropAsync(identity, session.Aborted) is not { } maildrop)
        {
            return Pop3Reply.Unavailable;
        }

        var view = session.Open(maildrop);
        return Pop3Reply.Ok(string.Create(CultureInfo.InvariantCulture, $"{view.RemainingCount} messages ({view.RemainingOctets} octets)"));
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
