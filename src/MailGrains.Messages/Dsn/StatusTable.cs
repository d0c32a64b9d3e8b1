using System.Collections.Frozen;

namespace MailGrains.Messages.Dsn;

/// <summary>
/// Tells from a reply what kept a message from its recipient: by its enhanced code; where there is none, or it says nothing definite, by fragments of
/// text that many servers use, else by its code. What is in no table is <see cref="StatusClass.Other"/>.
/// </summary>
public static class StatusTable
{
    // RFC 3463 §3 and the registry of RFC 5248. A detail that is not listed counts as its subject's 0.
    private static readonly FrozenDictionary<(int Subject, int Detail), StatusClass> ByStatus = new (int Subject, int Detail, StatusClass Class)[]
    {
        // RFC 3463 §3.2: addresses. RFC 7505 §4: 1.10 is the null MX.
        (1, 0, StatusClass.Other), (1, 1, StatusClass.MailboxUnknown), (1, 2, StatusClass.Dns), (1, 3, StatusClass.MailboxUnknown),
        (1, 4, StatusClass.MailboxUnknown), (1, 6, StatusClass.MailboxUnknown), (1, 7, StatusClass.Policy), (1, 8, StatusClass.Policy),
        (1, 9, StatusClass.System), (1, 10, StatusClass.Dns), (1, 90, StatusClass.Policy),

        // RFC 3463 §3.3: mailboxes.
        (2, 0, StatusClass.Other), (2, 1, StatusClass.MailboxDisabled), (2, 2, StatusClass.MailboxFull), (2, 3, StatusClass.MessageTooLarge),
        (2, 4, StatusClass.System), (2, 121, StatusClass.Policy), (2, 122, StatusClass.Policy),

        // RFC 3463 §3.4: mail systems.
        (3, 0, StatusClass.System), (3, 3, StatusClass.Content), (3, 4, StatusClass.MessageTooLarge), (3, 5, StatusClass.Routing),

        // RFC 3463 §3.5: network and routing.
        (4, 0, StatusClass.Network), (4, 3, StatusClass.Dns), (4, 4, StatusClass.Dns), (4, 5, StatusClass.System), (4, 6, StatusClass.Routing),
        (4, 7, StatusClass.Expired), (4, 14, StatusClass.Routing), (4, 300, StatusClass.Expired), (4, 310, StatusClass.Dns), (4, 312, StatusClass.Dns),

        // RFC 3463 §3.6: the protocol.
        (5, 0, StatusClass.System), (5, 3, StatusClass.Policy),

        // RFC 3463 §3.7: content, also what RFC 6531 and others have added.
        (6, 0, StatusClass.Content),

        // RFC 3463 §3.8: policy; 7.8 to 7.14 by RFC 4954 and RFC 5248, 7.16 by RFC 6710.
        (7, 0, StatusClass.Policy), (7, 3, StatusClass.Tls), (7, 4, StatusClass.Tls), (7, 5, StatusClass.Tls), (7, 6, StatusClass.Tls),
        (7, 7, StatusClass.Authentication), (7, 8, StatusClass.System), (7, 9, StatusClass.System), (7, 10, StatusClass.Tls), (7, 11, StatusClass.Tls),
        (7, 12, StatusClass.System), (7, 13, StatusClass.MailboxDisabled), (7, 14, StatusClass.System), (7, 16, StatusClass.MessageTooLarge),

        // RFC 7293: who has the address now is not who had it.
        (7, 17, StatusClass.MailboxUnknown), (7, 18, StatusClass.MailboxUnknown), (7, 19, StatusClass.System),

        // RFC 7372 §3: DKIM, SPF, reverse DNS, several of them. RFC 7505 §4: 7.27 is the sender's null MX. 7.28 is a flood of mail, 7.29 is ARC.
        (7, 20, StatusClass.Authentication), (7, 21, StatusClass.Authentication), (7, 22, StatusClass.Authentication),
        (7, 23, StatusClass.Authentication), (7, 24, StatusClass.Authentication), (7, 25, StatusClass.Authentication),
        (7, 26, StatusClass.Authentication), (7, 27, StatusClass.Authentication), (7, 28, StatusClass.Reputation), (7, 29, StatusClass.Authentication),

        // RFC 8689 §4.2.1: REQUIRETLS.
        (7, 30, StatusClass.Tls),

        // Exchange Online: the ones that differ from those around them.
        (7, 504, StatusClass.MailboxUnknown), (7, 505, StatusClass.MailboxUnknown), (7, 509, StatusClass.Authentication), (7, 510, StatusClass.Policy),
        (7, 512, StatusClass.Content), (7, 515, StatusClass.Authentication), (7, 520, StatusClass.Policy), (7, 703, StatusClass.Policy),
    }.ToFrozenDictionary(row => (row.Subject, row.Detail), row => row.Class);

    // RFC 5321 §4.2.3 and what the registry of RFC 5248 names with a code; RFC 3207 §4, RFC 4954 §6, RFC 7504. 550 and 554 are given for anything.
    private static readonly FrozenDictionary<int, DeliveryStatus> ByCode = new (int Code, int Subject, int Detail)[]
    {
        (421, 3, 2), (450, 2, 0), (451, 3, 0), (452, 3, 1), (454, 7, 0), (455, 5, 4), (500, 5, 2), (501, 5, 4), (502, 5, 1), (503, 5, 1), (504, 5, 4),
        (521, 3, 2), (530, 7, 0), (534, 7, 9), (535, 7, 8), (538, 7, 11), (550, 0, 0), (551, 1, 6), (552, 2, 2), (553, 1, 3), (554, 0, 0), (555, 5, 4),
        (556, 1, 10),
    }.ToFrozenDictionary(row => row.Code, row => new DeliveryStatus(row.Code / 100, row.Subject, row.Detail));

    /// <param name="code">Of the reply; 0 where there was none.</param>
    /// <param name="status">The reply's enhanced code, such as <c>5.1.1</c>; what is none counts as missing.</param>
    /// <param name="text">Of the reply.</param>
    public static StatusClass Classify(int code, string? status, string text)
    {
        var told = DeliveryStatus.Parse(status) is { } parsed && !IsVague(parsed) ? parsed : (DeliveryStatus?)null;
        var given = told ?? StatusOf(code);
        return (told is null || IsIndefinite(given) ? ReplyWords.Find(given, text) : null) ?? ClassOf(given);
    }

    /// <summary>The status that a code stands for where the server gave none; 4.0.0 for what is no code.</summary>
    public static DeliveryStatus StatusOf(int code) =>
        ByCode.TryGetValue(code, out var status) ? status : new DeliveryStatus(code switch { >= 200 and < 300 => 2, >= 500 and < 600 => 5, _ => 4 }, 0, 0);

    /// <summary>What the sender of a message that was not delivered can do about it: a few sentences.</summary>
    public static string Advice(StatusClass @class) => @class switch
    {
        StatusClass.MailboxUnknown =>
            "There seems to be no such mailbox. Check the address for typing errors, or ask the recipient for the right one.",
        StatusClass.MailboxFull => "The mailbox is full. Tell the recipient in another way, and send the message again later.",
        StatusClass.MailboxDisabled => "The mailbox takes no mail at present. Try to reach the recipient in another way.",
        StatusClass.MessageTooLarge => "The message is larger than the recipient's server takes. Send it without large attachments.",
        StatusClass.Policy =>
            "A rule of the recipient's server forbids it. If its words do not help you, ask the recipient in another way to let your mail in.",
        StatusClass.Reputation =>
            "The recipient's server does not trust the server that your mail comes from. Pass this report on to your postmaster, who alone can change that.",
        StatusClass.Authentication =>
            "The recipient's server could not make sure that the message is from you (SPF, DKIM, DMARC). Pass this report on to your postmaster.",
        StatusClass.Tls => "No connection to the recipient's server was as secure as it has to be. Pass this report on to your postmaster.",
        StatusClass.Dns =>
            "The domain of the address has no server for mail, or none that could be found. Check what stands after the @ for typing errors.",
        StatusClass.Routing => "The way to the recipient is not set up as it should be. Pass this report on to your postmaster.",
        StatusClass.Content => "The recipient's server does not take what the message holds. Try a plainer one, without attachments or links.",
        StatusClass.System => "Something was wrong with a mail server. Send the message again later.",
        StatusClass.Expired =>
            "The recipient's server did not take it in the time that there was. Send the message again, or reach the recipient in another way.",
        StatusClass.Greylisted =>
            "The recipient's server makes those wait whom it does not know yet, and did so for too long. Send the message again later.",
        StatusClass.Network => "The recipient's server could not be reached. Send the message again later, or reach the recipient in another way.",
        _ => "If the words above do not tell you what to do, pass this report on to your postmaster.",
    };

    private static StatusClass ClassOf(DeliveryStatus status) =>
        ByStatus.TryGetValue((status.Subject, status.Detail), out var found) ? found
        : OfRange(status) is { } ranged ? ranged
        : ByStatus.TryGetValue((status.Subject, 0), out found) ? found : StatusClass.Other;

    private static StatusClass? OfRange(DeliveryStatus status) => (status.Subject, status.Detail) switch
    {
        // Gmail and others: SPF, DKIM and DMARC, each with a code of its own.
        (7, >= 31 and <= 40) => StatusClass.Authentication,

        // Exchange Online: STARTTLS and DANE; senders, hosts and tenants that it blocks.
        (7, >= 320 and <= 329) => StatusClass.Tls,
        (7, >= 500) => StatusClass.Reputation,
        _ => null,
    };

    /// <summary>Says no more than the code's first digit.</summary>
    private static bool IsVague(DeliveryStatus status) => status is { Subject: 0, Detail: 0 };

    /// <summary>
    /// Servers give these for whatever they have no better code for, or for something else than the registry says: Exchange 5.1.10 and 5.4.1 for
    /// addresses that it does not know, Gmail 7.29 and 7.30 for TLS and DKIM.
    /// </summary>
    private static bool IsIndefinite(DeliveryStatus status) =>
        (status.Subject, status.Detail) is (0, _) or (1, 0) or (1, 10) or (2, 0) or (3, 0) or (5, 0) or (7, 0) or (7, 1) or (7, 29) or (7, 30)
        || status is { Class: 5, Subject: 4, Detail: 1 };
}
