using System.Collections.Concurrent;
using System.Globalization;

namespace MailGrains.Protocols.Smtp;

/// <summary>What differs from one EHLO of a listener to the next.</summary>
/// <param name="Auth">The mechanisms of AUTH, separated by spaces; empty: none.</param>
internal readonly record struct EhloOffer(bool StartTls, string Auth);

/// <summary>The replies to EHLO of one listener, each made once. Only what works is offered (RFC 5321 §4.1.1.1).</summary>
internal sealed class EhloReplies(SmtpServerOptions options)
{
    private readonly ConcurrentDictionary<EhloOffer, SmtpReply> _replies = new();

    public SmtpReply For(EhloOffer offer) => _replies.GetOrAdd(offer, static (offer, options) => Make(offer, options), options);

    private static SmtpReply Make(EhloOffer offer, SmtpServerOptions options)
    {
        List<string> lines =
        [
            options.HostName, "PIPELINING", string.Create(CultureInfo.InvariantCulture, $"SIZE {options.MaxMessageBytes}"), "8BITMIME", "ENHANCEDSTATUSCODES",
            "SMTPUTF8", "CHUNKING", "BINARYMIME",

            // RFC 9422 §4: what else is bounded here ends a session only.
            string.Create(CultureInfo.InvariantCulture, $"LIMITS RCPTMAX={options.MaxRecipients}"),
        ];
        if (options.Extensions.HasFlag(SmtpExtensions.Dsn))
        {
            lines.Add("DSN");
        }

        if (offer.StartTls)
        {
            lines.Add("STARTTLS");
        }

        if (offer.Auth.Length > 0)
        {
            lines.Add("AUTH " + offer.Auth);
        }

        return new SmtpReply(250, EnhancedCode.None, [.. lines]);
    }
}
