using System.Text;
using MailGrains.Contracts;
using MailGrains.Contracts.Text;
using MailGrains.Messages.Srs;
using MailGrains.Protocols.Smtp;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>
/// The reverse-path of mail that an alias here sends on to another server: an address of the alias' domain, since the sender's domain has not named
/// us among its servers (SPF, RFC 7208), and the way back from it. Delivery ids stay those of the sender's own address.
/// </summary>
public sealed partial class ForwardedSender(SenderRewriting srs, QueueChoice queues, ILogger<ForwardedSender> logger)
{
    /// <summary>RFC 5321 §4.5.3.1.3, without the angle brackets.</summary>
    private const int MaxPathBytes = 254;

    /// <param name="domain">The alias'.</param>
    /// <returns>Without angle brackets; null: the reverse-path goes on as it is.</returns>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public async ValueTask<string?> RewriteAsync(Transaction transaction, string domain, CancellationToken cancellationToken)
    {
        if (transaction.ReversePath.Mailbox is not { } sender ||
            (transaction.SenderIsHosted ??= await IsHostedAsync(sender, cancellationToken)))
        {
            return null;
        }

        if (srs.Rewrite(sender.Localpart, sender.Domain, domain) is { } localpart &&
            new Mailbox(localpart, domain).ToString() is var path && Encoding.UTF8.GetByteCount(path) <= MaxPathBytes)
        {
            return path;
        }

        LogTooLong(new LogText(transaction.ReversePath.Text), domain);
        return null;
    }

    /// <summary>Whose address stands in a rewritten one that came back to the domain.</summary>
    public SrsReversal Find(string localpart, string domain) => srs.Reverse(localpart, domain);

    // A domain that we are only the backup MX of does not send through us.
    private async ValueTask<bool> IsHostedAsync(Mailbox sender, CancellationToken cancellationToken) =>
        !sender.IsAddressLiteral && QueueChoice.DomainOf(sender) is { } domain &&
        await queues.FindDomainAsync(domain, cancellationToken) is { Settings.BackupMx: false };

    [LoggerMessage(Level = LogLevel.Information, Message = "<{ReversePath}> is too long to be rewritten for {Domain} and is forwarded as it is")]
    private partial void LogTooLong(LogText reversePath, string domain);
}
