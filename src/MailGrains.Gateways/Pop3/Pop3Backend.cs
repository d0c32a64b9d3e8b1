using MailGrains.Contracts;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Accounts;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>What a POP3 connection finds behind its login.</summary>
public sealed partial class Pop3Backend(IGrainFactory grains, StoredMessages messages, ILogger<Pop3Backend> logger) : IPop3Backend
{
    public async ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken)
    {
        var mailbox = ((AccountIdentity)identity).Account.Mailbox;
        var grain = grains.GetGrain<IMailboxGrain>(mailbox.ToString());
        var overview = await grain.GetOverviewAsync(cancellationToken);
        return overview?.Folders.FirstOrDefault(f => f.SpecialUse == "\\Inbox") is { } inbox
            ? await Pop3Maildrop.OpenAsync(grain, mailbox, inbox.Id, messages, cancellationToken)
            : null;
    }

    public void Failed(Exception failure)
    {
        if (failure is StoreUnavailableException or StoreException or OrleansException or TimeoutException or OperationCanceledException)
        {
            LogUnavailable(failure.Message);
        }
        else
        {
            LogFailed(failure);
        }
    }

    public ValueTask DisposeAsync() => default;

    [LoggerMessage(Level = LogLevel.Warning, Message = "POP3: a command could not be answered now: {Why}")]
    private partial void LogUnavailable(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "POP3: a command failed")]
    private partial void LogFailed(Exception exception);
}
