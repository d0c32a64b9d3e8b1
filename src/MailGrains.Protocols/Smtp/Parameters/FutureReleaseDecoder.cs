using System.Globalization;
using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>HOLDFOR and HOLDUNTIL (RFC 4865); a time that can't be kept is refused as a syntax error is.</summary>
internal static class FutureReleaseDecoder
{
    private const int MaxDigits = 9;
    private const int MaxDateBytes = 35;

    /// <summary>RFC 3339 §5.6: date-time.</summary>
    private static readonly string[] DateTimes =
        ["yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", "yyyy-MM-ddTHH:mm:sszzz", "yyyy-MM-ddTHH:mm:ss.FFFFFFFzzz"];

    /// <summary>Seconds from now: one to nine digits, not 0.</summary>
    public static SmtpReply? DecodeInterval(EsmtpParameter parameter, in ParameterRules rules, out FutureRelease? release)
    {
        release = null;
        var decoder = new TextDecoder(parameter.Value);
        var seconds = decoder.ExpectNumber();
        decoder.ExpectEnd();
        if (decoder.Failed || parameter.Value.Length > MaxDigits)
        {
            return SmtpReply.SyntaxError501;
        }

        release = new FutureRelease(rules.Now.AddSeconds(seconds), string.Create(CultureInfo.InvariantCulture, $"for;{seconds}"));
        return CanHold(release, rules) ? null : SmtpReply.HoldOutOfRange501;
    }

    public static SmtpReply? DecodeDate(EsmtpParameter parameter, in ParameterRules rules, out FutureRelease? release)
    {
        release = null;
        if (parameter.Value.Length > MaxDateBytes || !Ascii.IsValid(parameter.Value)
            || !DateTimeOffset.TryParseExact(
                Encoding.ASCII.GetString(parameter.Value).ToUpperInvariant(), DateTimes, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var until))
        {
            return SmtpReply.SyntaxError501;
        }

        until = until.ToUniversalTime();
        release = new FutureRelease(until, string.Create(CultureInfo.InvariantCulture, $"until;{until:yyyy-MM-ddTHH:mm:ssZ}"));
        return CanHold(release, rules) ? null : SmtpReply.HoldOutOfRange501;
    }

    private static bool CanHold(FutureRelease release, in ParameterRules rules) =>
        release.ReleaseAt > rules.Now && release.ReleaseAt <= rules.Now + rules.MaxHold;
}
