using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Parameters;

/// <summary>BY=seconds;mode (RFC 2852): N or R, and T for a trace.</summary>
internal static class DeliverByDecoder
{
    private const int MaxDigits = 9;

    public static SmtpReply? Decode(EsmtpParameter parameter, in ParameterRules rules, out DeliverByTime? deliverBy)
    {
        deliverBy = null;
        var decoder = new TextDecoder(parameter.Value);
        var isNegative = decoder.TryByte((byte)'-');
        if (!isNegative)
        {
            decoder.TryByte((byte)'+');
        }

        var start = decoder.Position;
        var seconds = decoder.ExpectNumber();
        var digits = decoder.Position - start;
        decoder.ExpectByte((byte)';');
        var returns = decoder.TryText("R"u8);
        if (!returns)
        {
            decoder.ExpectText("N"u8);
        }

        var trace = decoder.TryText("T"u8);
        decoder.ExpectEnd();

        // RFC 2852: what is to be returned needs time to be delivered in.
        if (decoder.Failed || digits > MaxDigits || (returns && (isNegative || seconds == 0)))
        {
            return SmtpReply.SyntaxError501;
        }

        var time = TimeSpan.FromSeconds(isNegative ? -seconds : seconds);
        deliverBy = new DeliverByTime(rules.Now + time, returns, trace);
        return returns && time < rules.MinDeliverBy ? SmtpReply.DeliverByTooShort550 : null;
    }
}
