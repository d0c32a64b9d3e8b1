namespace MailGrains.Messages.Dsn;

/// <summary>
/// Tells what kept a message from its recipient by the words of a reply. They are a stranger's: what is found here changes an advice, and never what is
/// done. A word inside of an address or a host's name says nothing, since those were often chosen by whoever is complained about.
/// </summary>
internal static class ReplyWords
{
    private const int MaxChars = 1_000;

    // In the order in which they decide: a list's address is often part of a refusal that has another cause, and the last rows are given for anything.
    private static readonly Row[] Rows =
    [
        .. All(StatusClass.Policy, "sending quota", "sending limit", "rate limit", "too many messages", "too many connections"),
        .. All(
            StatusClass.MailboxUnknown,
            "user unknown", "unknown user", "unknown local user", "user not found", "user does not exist", "user doesn't exist",
            "no such user", "no such recipient", "no such mailbox", "no such account", "no such person", "no mailbox here",
            "recipient unknown", "unknown recipient", "recipient not found", "recipient does not exist", "invalid recipient",
            "mailbox unknown", "unknown mailbox", "mailbox not found", "mailbox does not exist", "invalid mailbox",
            "account does not exist", "address does not exist", "address unknown", "undeliverable address", "unrouteable address"),
        .. All(
            StatusClass.MailboxDisabled,
            "account disabled", "account is disabled", "account has been disabled", "account suspended", "account has been suspended", "account inactive",
            "account is inactive", "mailbox disabled", "mailbox is disabled", "mailbox inactive", "mailbox is inactive", "user disabled"),
        .. All(
            StatusClass.MailboxFull,
            "mailbox full", "mailbox is full", "inbox is full", "over quota", "overquota", "over the quota", "quota exceeded", "exceeded quota",
            "exceeded storage", "exceeds quota", "mailbox size limit", "out of storage"),
        .. All(StatusClass.MessageTooLarge, "message too large", "message too big", "message size", "message is too large", "size limit"),
        .. All(StatusClass.Greylisted, "greylist", "greylisted", "greylisting", "graylist", "graylisted", "graylisting", "grey listed", "grey listing"),
        .. All(
            StatusClass.Authentication,
            "dmarc", "dkim", "spf", "sender policy framework", "unauthenticated email", "ptr record", "reverse dns", "reverse hostname"),
        .. All(StatusClass.Tls, "starttls", "requiretls", "tls", "encryption required", "requires encryption"),
        .. All(StatusClass.Routing, "relay access denied", "relaying denied", "relay denied", "relay not permitted", "unable to relay", "not permitted to relay"),
        .. All(
            StatusClass.Reputation,
            "blocklist", "blocklisted", "block list", "blacklist", "blacklisted", "black list", "denylist", "blocked using", "dnsbl", "rbl", "reputation",
            "user complaints", "banned sender", "banned sending ip"),
        .. Names(StatusClass.Reputation, "spamhaus", "spamcop", "sorbs", "uceprotect", "barracudacentral", "senderscore", "abusix", "spfbl"),
        .. All(StatusClass.Content, "virus", "malware", "phishing", "spam", "attachment", "attachments"),

        // Exchange's edge for an address that its directory does not know; elsewhere these words are a rule's.
        new("recipient address rejected: access denied", StatusClass.MailboxUnknown) { Only = (4, 1) },
        .. All(StatusClass.Policy, "sender address rejected"),
        .. All(StatusClass.MailboxUnknown, "mailbox unavailable", "does not exist"),
    ];

    /// <param name="status">Of the reply, as far as it is known.</param>
    public static StatusClass? Find(DeliveryStatus status, string text)
    {
        var words = text.AsSpan(0, Math.Min(text.Length, MaxChars));
        foreach (var row in Rows)
        {
            if ((row.Only is null || row.Only == (status.Subject, status.Detail)) && Holds(words, row))
            {
                return row.Class;
            }
        }

        return null;
    }

    private static bool Holds(ReadOnlySpan<char> text, Row row)
    {
        for (var from = 0; text[from..].IndexOf(row.Fragment, StringComparison.OrdinalIgnoreCase) is >= 0 and var found; from += found + 1)
        {
            var (start, end) = (from + found, from + found + row.Fragment.Length);
            if (!IsLetter(text, start - 1) && !IsLetter(text, end) && (row.IsPhrase || Counts(WordAround(text, start, end), row)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Counts(ReadOnlySpan<char> word, Row row) => !word.Contains('@') && (row.IsName || !IsHostName(word));

    private static ReadOnlySpan<char> WordAround(ReadOnlySpan<char> text, int start, int end)
    {
        while (start > 0 && !EndsWord(text[start - 1]))
        {
            start--;
        }

        while (end < text.Length && !EndsWord(text[end]))
        {
            end++;
        }

        return text[start..end];
    }

    private static bool EndsWord(char c) => char.IsWhiteSpace(c) || c is '<' or '>' or '(' or ')' or '[' or ']' or '"' or '\'' or ',' or ';' or ':';

    private static bool IsHostName(ReadOnlySpan<char> word)
    {
        for (var i = 1; i < word.Length - 1; i++)
        {
            if (word[i] == '.' && char.IsLetterOrDigit(word[i - 1]) && char.IsLetterOrDigit(word[i + 1]))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsLetter(ReadOnlySpan<char> text, int at) => at >= 0 && at < text.Length && char.IsLetter(text[at]);

    private static IEnumerable<Row> All(StatusClass @class, params string[] fragments) => fragments.Select(fragment => new Row(fragment, @class));

    /// <summary>Lists that are known by the names of their hosts.</summary>
    private static IEnumerable<Row> Names(StatusClass @class, params string[] fragments) =>
        fragments.Select(fragment => new Row(fragment, @class) { IsName = true });

    /// <param name="Fragment">Whole words.</param>
    private sealed record Row(string Fragment, StatusClass Class)
    {
        /// <summary>With this subject and detail alone.</summary>
        public (int Subject, int Detail)? Only { get; init; }

        public bool IsName { get; init; }

        /// <summary>No address and no name of a host has a space.</summary>
        public bool IsPhrase { get; } = Fragment.Contains(' ', StringComparison.Ordinal);
    }
}
