using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>The parameters of RCPT, each at most once (RFC 5321 §4.1.1.11).</summary>
internal static class RcptParameterDecoder
{
    /// <summary>Null when all are well formed, and the line ends after them.</summary>
    /// <param name="smtpUtf8">MAIL said SMTPUTF8.</param>
    public static SmtpReply? Decode(ref TextDecoder decoder, in ParameterRules rules, bool smtpUtf8, ref RcptParameters parameters)
    {
        while (EsmtpParameter.TryTake(ref decoder, out var parameter))
        {
            if (!rules.Offers(SmtpExtensions.Dsn))
            {
                return SmtpReply.UnknownParameter555;
            }

            if (parameter.Is("NOTIFY"u8))
            {
                if (parameters.Notify != default || DsnDecoder.Notify(parameter) is not { } notify)
                {
                    return SmtpReply.SyntaxError501;
                }

                parameters = parameters with { Notify = notify };
            }
            else if (parameter.Is("ORCPT"u8))
            {
                if (parameters.OriginalRecipient is not null || DsnDecoder.OriginalRecipient(parameter, smtpUtf8) is not { } original)
                {
                    return SmtpReply.SyntaxError501;
                }

                parameters = parameters with { OriginalRecipient = original };
            }
            else
            {
                return SmtpReply.UnknownParameter555;
            }
        }

        return decoder.Failed ? SmtpReply.SyntaxError501 : null;
    }
}
