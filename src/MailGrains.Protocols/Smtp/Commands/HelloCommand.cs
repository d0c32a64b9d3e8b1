using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>EHLO and HELO (RFC 5321 §4.1.1.1); in a session that runs they end the open transaction (RFC 5321 §4.1.4).</summary>
internal static class HelloCommand
{
    public static ValueTask<SmtpReply?> EhloAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => GreetAsync(session, arguments, true);

    public static ValueTask<SmtpReply?> HeloAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments) => GreetAsync(session, arguments, false);

    private static ValueTask<SmtpReply?> GreetAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments, bool extended)
    {
        var decoder = new TextDecoder(arguments);
        var name = PathDecoder.ExpectHelloName(ref decoder);
        decoder.ExpectEnd();
        if (decoder.Failed)
        {
            return new(SmtpReply.SyntaxError501);
        }

        return GreetAsync(session, new SmtpHello(name, extended));
    }

    private static async ValueTask<SmtpReply?> GreetAsync(SmtpServerSession session, SmtpHello hello)
    {
        await session.ResetTransactionAsync();
        session.Backend.Hello(hello);
        session.State = SmtpState.Ready;
        if (!hello.Extended)
        {
            return session.Options.HeloReply;
        }

        return session.Options.Ehlo.For(OfferOf(session));
    }

    private static EhloOffer OfferOf(SmtpServerSession session)
    {
        var auth = session.Connection.Accounts is null || session.Identity is not null ? "" : string.Join(' ', session.Policy.Offered);
        var extensions = session.Options.KnownExtensions;
        if (session.Tls is null)
        {
            extensions &= ~SmtpExtensions.RequireTls;
        }

        return new EhloOffer(session.OffersStartTls, auth, extensions, DateOnly.FromDateTime((session.UtcNow + session.Options.MaxHold).UtcDateTime));
    }
}
