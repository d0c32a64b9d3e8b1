using System.Security.Cryptography;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Smtp;
using MailGrains.Messages.Submission;
using MailGrains.Protocols.Smtp;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Submissions;

/// <summary>
/// What one logged-in connection may submit (RFC 6409): the sender of the envelope and whoever the header says wrote or sent the message must belong to
/// the login. An exception of the directory goes to the session, which answers 451 4.3.0.
/// </summary>
public sealed partial class Submission(
    LoginAccount login, OwnAddresses addresses, GatewayOptions options, TimeProvider time, ILogger<Submission> logger)
{
    private const int MessageIdBytes = 16;

    private readonly LogText _login = new(login.Address);

    // Of the transaction at hand: the header mostly names the sender of the envelope again.
    private readonly HashSet<AddressName> _belong = [];

    /// <summary>MAIL: null when the reverse-path is the login's, or the null one, which notifications have (RFC 3834 §3.3, RFC 8098 §3).</summary>
    public async ValueTask<SmtpReply?> CheckSenderAsync(ReversePath reversePath, CancellationToken cancellationToken)
    {
        _belong.Clear();
        if (reversePath.Mailbox is not { } mailbox || await BelongsAsync(mailbox.Localpart, mailbox.Domain, cancellationToken))
        {
            return null;
        }

        LogNotTheirs(_login, "MAIL FROM", new LogText(reversePath.Text));
        return SubmissionReplies.SenderNotYours550;
    }

    /// <summary>The sink in front of the message; for one transaction.</summary>
    /// <param name="smtpUtf8">MAIL said SMTPUTF8.</param>
    public ISmtpContentSink Wrap(IncomingMessage message, bool smtpUtf8) => new SubmittedMessage(message, this, smtpUtf8);

    internal SubmittedHeader Repair(ReadOnlyMemory<byte> section, bool smtpUtf8)
    {
        var messageId = $"{RandomNumberGenerator.GetHexString(2 * MessageIdBytes, lowercase: true)}@{options.HostName}";
        return HeaderRepair.Run(section, new RepairTerms(smtpUtf8, time.GetUtcNow(), messageId));
    }

    /// <summary>Null when the header is well formed and everybody in it is the login.</summary>
    internal async ValueTask<SmtpReply?> CheckHeaderAsync(SubmittedHeader header, CancellationToken cancellationToken)
    {
        if (header.Fault != HeaderFault.None)
        {
            LogMalformed(_login, header.Fault, header.FaultyField);
            return SubmissionReplies.Of(header);
        }

        foreach (var sender in header.Senders)
        {
            if (!await BelongsAsync(sender.Localpart, sender.Domain, cancellationToken))
            {
                LogNotTheirs(_login, sender.Field, new LogText($"{sender.Localpart}@{sender.Domain}"));
                return SubmissionReplies.NotYours554(sender);
            }
        }

        return null;
    }

    private async ValueTask<bool> BelongsAsync(string localpart, string domain, CancellationToken cancellationToken)
    {
        if (!AddressName.TryNormalize(localpart, domain, out var address))
        {
            return false;
        }

        if (_belong.Contains(address) || await addresses.OwnsAsync(login.Mailbox, address, cancellationToken))
        {
            _belong.Add(address);
            return true;
        }

        return false;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Login} may not submit as {Field} <{Address}>")]
    private partial void LogNotTheirs(LogText login, string field, LogText address);

    [LoggerMessage(Level = LogLevel.Information, Message = "A submission of {Login} is malformed: {Fault} {Field}")]
    private partial void LogMalformed(LogText login, HeaderFault fault, string field);
}
