using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>A mailbox of RFC 5321 §4.1.2, as it is meant: the localpart without quotes and backslashes.</summary>
/// <param name="Localpart">Unquoted; case, and Unicode form under SMTPUTF8, as given.</param>
/// <param name="Domain">As given; an address literal with its brackets.</param>
public sealed record Mailbox(string Localpart, string Domain)
{
    public bool IsAddressLiteral => Domain.StartsWith('[');

    public bool IsAscii => Ascii.IsValid(Localpart) && Ascii.IsValid(Domain);

    /// <summary>The mailbox in the grammar of RFC 5321 §4.1.2, the localpart quoted only where it must be.</summary>
    public override string ToString() => MailboxText.IsDotString(Localpart) ? $"{Localpart}@{Domain}" : $"{MailboxText.Quote(Localpart)}@{Domain}";
}

/// <summary>
/// The reverse-path of MAIL: <see cref="Mailbox"/> is null for the null reverse-path <c>&lt;&gt;</c>. A source route is dropped (RFC 5321
/// appendix C).
/// </summary>
/// <param name="Text">As given, without angle brackets and route; empty for the null reverse-path.</param>
public readonly record struct ReversePath(Mailbox? Mailbox, string Text)
{
    public static ReversePath Null => new(null, "");

    public bool IsNull => Mailbox is null;

    /// <param name="text">Without angle brackets; empty for the null reverse-path.</param>
    /// <returns>Null when it is none.</returns>
    public static ReversePath? Parse(string text)
    {
        var decoder = new TextDecoder(Encoding.UTF8.GetBytes($"<{text}>"));
        var path = PathDecoder.ExpectReversePath(ref decoder);
        decoder.ExpectEnd();
        return decoder.Failed ? null : path;
    }
}

/// <summary>
/// The forward-path of RCPT: <see cref="Mailbox"/> is null for <c>&lt;Postmaster&gt;</c> without a domain (RFC 5321 §4.1.1.3). A source
/// route is dropped, so a hop named there is never followed.
/// </summary>
/// <param name="Text">As given, without angle brackets and route.</param>
public readonly record struct ForwardPath(Mailbox? Mailbox, string Text)
{
    public bool IsPostmaster => Mailbox is null;

    /// <param name="text">Without angle brackets.</param>
    /// <returns>Null when it is none.</returns>
    public static ForwardPath? Parse(string text)
    {
        var decoder = new TextDecoder(Encoding.UTF8.GetBytes($"<{text}>"));
        var path = PathDecoder.ExpectForwardPath(ref decoder);
        decoder.ExpectEnd();
        return decoder.Failed ? null : path;
    }
}
