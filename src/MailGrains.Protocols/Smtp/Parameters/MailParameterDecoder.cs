using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>What MAIL and RCPT may say in a session at this moment, and what it is held against.</summary>
/// <param name="TakesAuth">AUTH= is known where AUTH is offered (RFC 4954 §5).</param>
internal readonly record struct ParameterRules(SmtpExtensions Offered, bool TakesAuth)
{
    public bool Offers(SmtpExtensions extension) => (Offered & extension) != 0;
}

/// <summary>The parameters of MAIL, each at most once (RFC 5321 §4.1.1.11).</summary>
internal static class MailParameterDecoder
{
    /// <summary>Null when all are well formed, and the line ends after them.</summary>
    public static SmtpReply? Decode(ref TextDecoder decoder, in ParameterRules rules, ref MailParameters parameters)
    {
        var seen = Keyword.None;
        while (EsmtpParameter.TryTake(ref decoder, out var parameter))
        {
            var keyword = KeywordOf(parameter);
            if (!IsKnown(keyword, rules))
            {
                return SmtpReply.UnknownParameter555;
            }

            if ((seen & keyword) != 0 || !TryApply(keyword, parameter, ref parameters))
            {
                return SmtpReply.SyntaxError501;
            }

            seen |= keyword;
        }

        return decoder.Failed ? SmtpReply.SyntaxError501 : null;
    }

    private static Keyword KeywordOf(EsmtpParameter parameter) =>
        parameter.Is("SIZE"u8) ? Keyword.Size
        : parameter.Is("BODY"u8) ? Keyword.Body
        : parameter.Is("SMTPUTF8"u8) ? Keyword.SmtpUtf8
        : parameter.Is("AUTH"u8) ? Keyword.Auth
        : parameter.Is("RET"u8) ? Keyword.Return
        : parameter.Is("ENVID"u8) ? Keyword.EnvelopeId
        : Keyword.None;

    private static bool IsKnown(Keyword keyword, in ParameterRules rules) => keyword switch
    {
        Keyword.None => false,
        Keyword.Auth => rules.TakesAuth,
        Keyword.Return or Keyword.EnvelopeId => rules.Offers(SmtpExtensions.Dsn),
        _ => true,
    };

    private static bool TryApply(Keyword keyword, EsmtpParameter parameter, ref MailParameters parameters)
    {
        switch (keyword)
        {
            case Keyword.Size:
                // RFC 1870 §6: size-value = 1*20DIGIT.
                var number = new TextDecoder(parameter.Value);
                parameters = parameters with { Size = number.ExpectNumber() };
                number.ExpectEnd();
                return !number.Failed && parameter.Value.Length <= 20;
            case Keyword.Body:
                var body = BodyOf(parameter);
                parameters = parameters with { Body = body ?? default };
                return body is not null;
            case Keyword.Auth:
                var auth = Xtext.Decode(parameter.Value);
                parameters = parameters with { Auth = auth == "<>" ? "" : auth };
                return auth is not null;
            case Keyword.Return:
                parameters = parameters with { Return = DsnDecoder.Return(parameter) ?? default };
                return parameters.Return != default;
            case Keyword.EnvelopeId:
                parameters = parameters with { EnvelopeId = DsnDecoder.EnvelopeId(parameter) };
                return parameters.EnvelopeId is not null;
            default:
                // RFC 6531 §3.4: no value.
                parameters = parameters with { SmtpUtf8 = true };
                return !parameter.HasEquals;
        }
    }

    private static BodyType? BodyOf(EsmtpParameter parameter) =>
        parameter.HasValue("7BIT"u8) ? BodyType.SevenBit
        : parameter.HasValue("8BITMIME"u8) ? BodyType.EightBitMime
        : parameter.HasValue("BINARYMIME"u8) ? BodyType.BinaryMime
        : null;

    [Flags]
    private enum Keyword
    {
        None = 0,
        Size = 1,
        Body = 2,
        SmtpUtf8 = 4,
        Auth = 8,
        Return = 16,
        EnvelopeId = 32,
    }
}
