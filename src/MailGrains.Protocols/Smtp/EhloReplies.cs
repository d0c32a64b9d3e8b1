using System.Collections.Concurrent;
using System.Globalization;

namespace MailGrains.Protocols.Smtp;

/// <summary>What differs from one EHLO of a listener to the next.</summary>
/// <param name="Auth">The mechanisms of AUTH, separated by spaces; empty: none.</param>
/// <param name="LatestRelease">The day until which FUTURERELEASE may hold a message.</param>
internal readonly record struct EhloOffer(bool StartTls, string Auth, SmtpExtensions Extensions, DateOnly LatestRelease);

/// <summary>The replies to EHLO of one listener, kept while they are asked for. Only what works is offered (RFC 5321 §4.1.1.1).</summary>
internal sealed class EhloReplies(SmtpServerOptions options)
{
    /// <summary>A day brings a handful of them, as the last day of FUTURERELEASE goes on.</summary>
    private const int MaxKept = 64;

    private readonly ConcurrentDictionary<EhloOffer, SmtpReply> _replies = new();

    public SmtpReply For(EhloOffer offer)
    {
        if (!offer.Extensions.HasFlag(SmtpExtensions.FutureRelease))
        {
            offer = offer with { LatestRelease = default };
        }

        if (_replies.TryGetValue(offer, out var reply))
        {
            return reply;
        }

        if (_replies.Count >= MaxKept)
        {
            _replies.Clear();
        }

        return _replies[offer] = Make(offer, options);
    }

    private static SmtpReply Make(EhloOffer offer, SmtpServerOptions options)
    {
        List<string> lines =
        [
            options.HostName, "PIPELINING", string.Create(CultureInfo.InvariantCulture, $"SIZE {options.MaxMessageBytes}"), "8BITMIME", "ENHANCEDSTATUSCODES",
            "SMTPUTF8", "CHUNKING", "BINARYMIME",

            // RFC 9422 §4: what else is bounded here ends a session only.
            string.Create(CultureInfo.InvariantCulture, $"LIMITS RCPTMAX={options.MaxRecipients}"),
        ];
        AddExtensions(lines, offer, options);
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

    private static void AddExtensions(List<string> lines, EhloOffer offer, SmtpServerOptions options)
    {
        Add(SmtpExtensions.Dsn, "DSN");

        // RFC 4865: both limits. The day's first second, so that the reply stays the same all day and promises no more than is kept.
        Add(SmtpExtensions.FutureRelease, string.Create(
            CultureInfo.InvariantCulture, $"FUTURERELEASE {options.MaxHold.TotalSeconds:F0} {offer.LatestRelease:yyyy-MM-dd}T00:00:00Z"));
        Add(SmtpExtensions.DeliverBy, options.MinDeliverBy > TimeSpan.Zero
            ? string.Create(CultureInfo.InvariantCulture, $"DELIVERBY {options.MinDeliverBy.TotalSeconds:F0}") : "DELIVERBY");
        Add(SmtpExtensions.MtPriority, $"MT-PRIORITY {options.PriorityPolicy}".TrimEnd());
        Add(SmtpExtensions.RequireTls, "REQUIRETLS");
        Add(SmtpExtensions.Etrn, "ETRN");

        void Add(SmtpExtensions extension, string line)
        {
            if (offer.Extensions.HasFlag(extension))
            {
                lines.Add(line);
            }
        }
    }
}
