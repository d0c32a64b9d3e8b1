using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>The parameters of MAIL, each at most once (RFC 5321 §4.1.1.11).</summary>
internal static class MailParameterDecoder
{
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
        HoldFor = 64,
        HoldUntil = 128,
        DeliverBy = 256,
        Priority = 512,
        RequireTls = 1_024,
    }

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

            // RFC 4865: one of the two.
            var excluded = keyword is Keyword.HoldFor or Keyword.HoldUntil ? Keyword.HoldFor | Keyword.HoldUntil : keyword;
            if ((seen & excluded) != 0)
            {
                return SmtpReply.SyntaxError501;
            }

            if (Apply(keyword, parameter, rules, ref parameters) is { } refusal)
            {
                return refusal;
            }

            seen |= keyword;
        }

        // RFC 4865 §5.2.2: what is to be delivered by a time can't be held for longer.
        return decoder.Failed ? SmtpReply.SyntaxError501
            : parameters.FutureRelease?.ReleaseAt > parameters.DeliverBy?.At ? SmtpReply.HoldBeyondDeadline501
            : null;
    }

    private static Keyword KeywordOf(EsmtpParameter parameter) =>
        parameter.Is("SIZE"u8) ? Keyword.Size
        : parameter.Is("BODY"u8) ? Keyword.Body
        : parameter.Is("SMTPUTF8"u8) ? Keyword.SmtpUtf8
        : parameter.Is("AUTH"u8) ? Keyword.Auth
        : parameter.Is("RET"u8) ? Keyword.Return
        : parameter.Is("ENVID"u8) ? Keyword.EnvelopeId
        : parameter.Is("HOLDFOR"u8) ? Keyword.HoldFor
        : parameter.Is("HOLDUNTIL"u8) ? Keyword.HoldUntil
        : parameter.Is("BY"u8) ? Keyword.DeliverBy
        : parameter.Is("MT-PRIORITY"u8) ? Keyword.Priority
        : parameter.Is("REQUIRETLS"u8) ? Keyword.RequireTls
        : Keyword.None;

    private static bool IsKnown(Keyword keyword, in ParameterRules rules) => keyword switch
    {
        Keyword.None => false,
        Keyword.Auth => rules.TakesAuth,
        Keyword.Return or Keyword.EnvelopeId => rules.Offers(SmtpExtensions.Dsn),
        Keyword.HoldFor or Keyword.HoldUntil => rules.Offers(SmtpExtensions.FutureRelease),
        Keyword.DeliverBy => rules.Offers(SmtpExtensions.DeliverBy),
        Keyword.Priority => rules.Offers(SmtpExtensions.MtPriority),
        Keyword.RequireTls => rules.Offers(SmtpExtensions.RequireTls),
        _ => true,
    };

    private static SmtpReply? Apply(Keyword keyword, EsmtpParameter parameter, in ParameterRules rules, ref MailParameters parameters)
    {
        switch (keyword)
        {
            case Keyword.HoldFor:
                var refusal = FutureReleaseDecoder.DecodeInterval(parameter, rules, out var release);
                parameters = parameters with { FutureRelease = release };
                return refusal;
            case Keyword.HoldUntil:
                refusal = FutureReleaseDecoder.DecodeDate(parameter, rules, out release);
                parameters = parameters with { FutureRelease = release };
                return refusal;
            case Keyword.DeliverBy:
                refusal = DeliverByDecoder.Decode(parameter, rules, out var deliverBy);
                parameters = parameters with { DeliverBy = deliverBy };
                return refusal;
            case Keyword.RequireTls when !rules.IsSecure:
                return SmtpReply.RequireTlsNeedsTls530;
            default:
                return TryApply(keyword, parameter, ref parameters) ? null : SmtpReply.SyntaxError501;
        }
    }

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
            case Keyword.Priority:
                var priority = PriorityOf(parameter);
                parameters = parameters with { Priority = priority ?? 0 };
                return priority is not null;
            case Keyword.RequireTls:
                // RFC 8689: no value.
                parameters = parameters with { RequireTls = true };
                return !parameter.HasEquals;
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

    /// <summary>RFC 6710: one digit, which "-" may precede unless it is 0.</summary>
    private static int? PriorityOf(EsmtpParameter parameter) => parameter.Value switch
    {
        [>= (byte)'0' and <= (byte)'9' and var digit] => digit - '0',
        [(byte)'-', >= (byte)'1' and <= (byte)'9' and var digit] => '0' - digit,
        _ => null,
    };
}
