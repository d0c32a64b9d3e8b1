using System.Security.Cryptography;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
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
    LoginAccount login, SenderRightsOf rightsOf, OwnAddresses addresses, SendingAllowance allowance, GatewayOptions options, TimeProvider time,
    ILogger<Submission> logger)
{
    private const int MessageIdBytes = 16;

    private readonly LogText _login = new(login.Address);

    // Of the transaction at hand: the header mostly names the sender of the envelope again.
    private readonly HashSet<AddressName> _belong = [];
    private SenderRights? _rights;

    // Recipients that are counted for a message that is not sent yet.
    private int _taken;

    /// <summary>MAIL: null when the reverse-path is the login's, or the null one, which notifications have (RFC 3834 §3.3, RFC 8098 §3).</summary>
    public async ValueTask<SmtpReply?> CheckSenderAsync(ReversePath reversePath, CancellationToken cancellationToken)
    {
        _belong.Clear();
        _rights = null;
        if (reversePath.Mailbox is not { } mailbox || await BelongsAsync(mailbox.Localpart, mailbox.Domain, cancellationToken))
        {
            return null;
        }

        LogNotTheirs(_login, "MAIL FROM", new LogText(reversePath.Text));
        return SubmissionReplies.SenderNotYours550;
    }

    /// <summary>
    /// DATA, or the first BDAT: takes what the message costs of the account's and the tenant's allowance. Null: granted; it is given back when the
    /// message is not taken in the end.
    /// </summary>
    public async ValueTask<SmtpReply?> TakeAllowanceAsync(int recipients, CancellationToken cancellationToken)
    {
        // A message before that broke off between here and its content.
        await GiveBackAsync();
        _rights ??= await rightsOf(login, cancellationToken);
        if (_rights is null)
        {
            return SmtpReply.AccountDisabled525;
        }

        var grant = await allowance.TryTakeAsync(login, recipients, _rights.Limits, cancellationToken);
        if (grant.Allowed)
        {
            _taken = recipients;
            return null;
        }

        LogOverLimit(_login, grant.Limit ?? "", grant.RetryAfter);
        return SubmissionReplies.Of(grant);
    }

    /// <summary>The sink in front of the message; for one transaction.</summary>
    /// <param name="smtpUtf8">MAIL said SMTPUTF8.</param>
    public ISmtpContentSink Wrap(IncomingMessage message, bool smtpUtf8) => new SubmittedMessage(message, this, smtpUtf8);

    /// <summary>The message is kept, or may be: what it cost stays counted.</summary>
    internal void Sent() => _taken = 0;

    /// <summary>The message is not taken: what it cost is given back.</summary>
    internal async ValueTask GiveBackAsync()
    {
        if (_taken == 0)
        {
            return;
        }

        try
        {
            await allowance.GiveBackAsync(login, _taken);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or StoreUnavailableException)
        {
            LogNotGivenBack(_login, e.Message);
        }

        _taken = 0;
    }

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

        if (_belong.Contains(address) || await addresses.OwnsAsync(login.Mailbox, address, cancellationToken) ||
            await IsGrantedAsync(address, cancellationToken))
        {
            _belong.Add(address);
            return true;
        }

        return false;
    }

    private async ValueTask<bool> IsGrantedAsync(AddressName address, CancellationToken cancellationToken)
    {
        _rights ??= await rightsOf(login, cancellationToken);
        return _rights is { } rights && rights.SendAs.Any(grant => Covers(grant, address)) &&
            await addresses.IsOfTenantAsync(login.Tenant, address, cancellationToken);
    }

    private static bool Covers(string grant, AddressName address) =>
        grant.StartsWith("*@", StringComparison.Ordinal)
            ? AddressName.TryNormalizeDomain(grant[2..], out var domain) && domain == address.Domain
            : AddressName.TryParse(grant, out var granted) && granted == address;

    [LoggerMessage(Level = LogLevel.Information, Message = "{Login} may not submit as {Field} <{Address}>")]
    private partial void LogNotTheirs(LogText login, string field, LogText address);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Login} has reached {Limit}: may send again in {RetryAfter}")]
    private partial void LogOverLimit(LogText login, string limit, TimeSpan retryAfter);

    [LoggerMessage(Level = LogLevel.Information, Message = "What a message of {Login} cost stays counted though it was not sent: {Why}")]
    private partial void LogNotGivenBack(LogText login, string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "A submission of {Login} is malformed: {Fault} {Field}")]
    private partial void LogMalformed(LogText login, HeaderFault fault, string field);
}
