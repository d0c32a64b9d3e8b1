using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>MAIL (RFC 5321 §4.1.1.2).</summary>
internal static class MailCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (session.Options.IsSubmission && session.Identity is null)
        {
            return new(session.Policy.Offered.Count == 0 ? SmtpReply.EncryptionRequired530 : SmtpReply.LoginRequired530);
        }

        var refusal = Parse(arguments, out var reversePath, out var parameters, takesAuth: session.Connection.Accounts is not null);
        if (refusal is null && parameters.Size > session.Options.MaxMessageBytes)
        {
            // RFC 1870 §6.1.
            refusal = SmtpReply.MessageTooLarge552;
        }

        return refusal is null ? AskAsync(session, reversePath, parameters) : new(refusal);
    }

    private static async ValueTask<SmtpReply?> AskAsync(SmtpServerSession session, ReversePath reversePath, MailParameters parameters)
    {
        var reply = await session.Backend.MailAsync(reversePath, parameters, session.Aborted);
        if (reply.IsPositive)
        {
            session.State = SmtpState.Sender;
            session.Parameters = parameters;
        }

        return reply;
    }

    /// <summary>Null when the arguments are well formed.</summary>
    /// <param name="takesAuth">AUTH= is known where AUTH is offered (RFC 4954 §5).</param>
    internal static SmtpReply? Parse(
        ReadOnlySpan<byte> arguments, out ReversePath reversePath, out MailParameters parameters, bool takesAuth = false)
    {
        parameters = default;
        reversePath = default;
        var decoder = new TextDecoder(arguments);
        if (!decoder.TryText("FROM:"u8))
        {
            return SmtpReply.SyntaxError501;
        }

        // RFC 5321 §3.3 has no space here; enough clients send one.
        decoder.TrySpaces();
        reversePath = PathDecoder.ExpectReversePath(ref decoder);
        if (decoder.Failed)
        {
            return SmtpReply.BadSenderSyntax501;
        }

        var refusal = ParseParameters(ref decoder, takesAuth, ref parameters);
        return refusal is null && reversePath.Mailbox is { IsAscii: false } && !parameters.SmtpUtf8 ? SmtpReply.NeedsSmtpUtf8553 : refusal;
    }

    private static SmtpReply? ParseParameters(ref TextDecoder decoder, bool takesAuth, ref MailParameters parameters)
    {
        var seen = Seen.None;
        while (EsmtpParameter.TryTake(ref decoder, out var parameter))
        {
            var kind = KindOf(parameter);
            if (kind == Seen.None || (kind == Seen.Auth && !takesAuth))
            {
                return SmtpReply.UnknownParameter555;
            }

            if ((seen & kind) != 0 || !TryApply(kind, parameter, ref parameters))
            {
                return SmtpReply.SyntaxError501;
            }

            seen |= kind;
        }

        return decoder.Failed ? SmtpReply.SyntaxError501 : null;
    }

    private static Seen KindOf(EsmtpParameter parameter) =>
        parameter.Is("SIZE"u8) ? Seen.Size
        : parameter.Is("BODY"u8) ? Seen.Body
        : parameter.Is("SMTPUTF8"u8) ? Seen.SmtpUtf8
        : parameter.Is("AUTH"u8) ? Seen.Auth
        : Seen.None;

    private static bool TryApply(Seen kind, EsmtpParameter parameter, ref MailParameters parameters)
    {
        switch (kind)
        {
            case Seen.Size:
                // RFC 1870 §6: size-value = 1*20DIGIT.
                var number = new TextDecoder(parameter.Value);
                parameters = parameters with { Size = number.ExpectNumber() };
                number.ExpectEnd();
                return !number.Failed && parameter.Value.Length <= 20;
            case Seen.Body:
                var body = BodyOf(parameter);
                parameters = parameters with { Body = body ?? default };
                return body is not null;
            case Seen.Auth:
                var auth = Xtext.Decode(parameter.Value);
                parameters = parameters with { Auth = auth == "<>" ? "" : auth };
                return auth is not null;
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
    private enum Seen
    {
        None = 0,
        Size = 1,
        Body = 2,
        SmtpUtf8 = 4,
        Auth = 8,
    }
}
