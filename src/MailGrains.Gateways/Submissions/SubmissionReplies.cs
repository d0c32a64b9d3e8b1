using System.Globalization;
using MailGrains.Contracts.Senders;
using MailGrains.Messages.Submission;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Submissions;

/// <summary>What a client hears of a submission that is not taken.</summary>
internal static class SubmissionReplies
{
    /// <summary>RFC 6409 §6.1.</summary>
    public static readonly SmtpReply SenderNotYours550 = new(550, new EnhancedCode(7, 1), "This sender address does not belong to your account");

    /// <summary>RFC 6531 §3.5: said after the end of the data, where 5.6.7 is for commands.</summary>
    private static readonly SmtpReply NeedsSmtpUtf8554 = new(554, new EnhancedCode(6, 9), "The header holds non-ASCII octets: MAIL needs SMTPUTF8 for it");

    /// <summary>RFC 6409 §6.4, for an address in the header.</summary>
    public static SmtpReply NotYours554(ClaimedSender sender) =>
        new(554, new EnhancedCode(7, 1), $"{sender.Field}: <{sender.Localpart}@{sender.Domain}> does not belong to your account");

    /// <summary>RFC 6409 §6.4: a header that breaks the standard.</summary>
    public static SmtpReply Of(SubmittedHeader header) => header.Fault switch
    {
        HeaderFault.NeedsSmtpUtf8 => NeedsSmtpUtf8554,
        HeaderFault.MalformedField => Malformed554("The header holds a line that is no field"),
        HeaderFault.ControlCharacter => Malformed554($"{Subject(header)} holds a control character"),
        HeaderFault.NotUtf8 => Malformed554("The header holds octets that are no UTF-8"),
        HeaderFault.NoFrom => Malformed554("The message has no From field that names an author"),
        HeaderFault.RepeatedField => Malformed554($"{Subject(header)} occurs more than once"),
        HeaderFault.UnclearAddress => Malformed554($"{Subject(header)} holds an address that can't be read without doubt"),
        HeaderFault.TooManySenders => Malformed554($"{Subject(header)} holds too many addresses"),
        HeaderFault.NoSender => Malformed554("Several authors need a Sender field"),
        _ => throw new ArgumentOutOfRangeException(nameof(header), header.Fault, "No fault."),
    };

    /// <summary>Over a limit (RFC 6409 §3.2): for a while, with the time to wait; for good where no wait would do.</summary>
    public static SmtpReply Of(SendGrant refusal)
    {
        var limit = refusal.Limit is null ? "Your sending limit" : $"Your sending limit of {refusal.Limit}";
        return refusal.RetryAfter > TimeSpan.Zero
            ? new SmtpReply(450, new EnhancedCode(7, 1), $"{limit} is reached, try again in {Text(refusal.RetryAfter)}")
            : new SmtpReply(550, new EnhancedCode(7, 1), $"{limit} does not allow this message");
    }

    private static string Text(TimeSpan wait) =>
        wait <= TimeSpan.FromMinutes(2) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalSeconds)} seconds")
        : wait <= TimeSpan.FromHours(2) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalMinutes)} minutes")
        : string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(wait.TotalHours)} hours");

    private static string Subject(SubmittedHeader header) => header.FaultyField.Length > 0 ? $"The {header.FaultyField} field" : "The header";

    private static SmtpReply Malformed554(string text) => new(554, new EnhancedCode(6, 0), text);
}
