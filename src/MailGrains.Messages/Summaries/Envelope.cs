using System.Collections.Immutable;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// The envelope of RFC 9051 §7.5.2. Texts are the unfolded values as they stand in the header, encoded words (RFC 2047) included:
/// <see cref="HeaderValue.Decode"/> makes them readable. Null: the field is absent; null differs from an empty value.
/// </summary>
/// <param name="Sender">Empty when absent; IMAP then answers <see cref="SenderOrFrom"/>.</param>
/// <param name="ReplyTo">Empty when absent; IMAP then answers <see cref="ReplyToOrFrom"/>.</param>
/// <param name="InReplyTo">The field's text; its ids by <see cref="HeaderValue.MessageIds"/>.</param>
/// <param name="MessageId">With its angle brackets.</param>
public sealed record Envelope(
    string? Date,
    string? Subject,
    ImmutableArray<MailAddress> From,
    ImmutableArray<MailAddress> Sender,
    ImmutableArray<MailAddress> ReplyTo,
    ImmutableArray<MailAddress> To,
    ImmutableArray<MailAddress> Cc,
    ImmutableArray<MailAddress> Bcc,
    string? InReplyTo,
    string? MessageId)
{
    public static Envelope Empty { get; } = new(null, null, [], [], [], [], [], [], null, null);

    // RFC 9051 §7.5.2: the server makes these default to From.
    public ImmutableArray<MailAddress> SenderOrFrom => Sender.IsEmpty ? From : Sender;

    public ImmutableArray<MailAddress> ReplyToOrFrom => ReplyTo.IsEmpty ? From : ReplyTo;
}

/// <summary>
/// One address, or one end of a group as IMAP lists them (RFC 9051 §7.5.2): a group begins with an entry whose <see cref="Domain"/> is null and
/// whose <see cref="Localpart"/> is the group's name, and ends with one where both are null.
/// </summary>
/// <param name="Name">The phrase or, in the old form, the comment; not decoded (RFC 2047), quotes taken off; null when there is none.</param>
/// <param name="Localpart">Quotes taken off.</param>
/// <param name="Domain">As written; empty when the address has none.</param>
public readonly record struct MailAddress(string? Name, string? Localpart, string? Domain)
{
    public static MailAddress GroupEnd => default;

    public static MailAddress GroupStart(string name) => new(null, name, null);

    public bool IsGroupStart => Domain is null && Localpart is not null;

    public bool IsGroupEnd => Domain is null && Localpart is null;
}
