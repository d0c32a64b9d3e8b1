using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>One POP3 connection's login. An unknown name asks an account that does not exist, which costs what a wrong password costs.</summary>
public sealed partial class Pop3Backend(IGrainFactory grains, StoredMessages messages, ILogger<Pop3Backend> logger) : IPop3Backend
{
    private static readonly AddressName Nobody = new("nobody", "invalid");

    public async ValueTask<Pop3Login> LoginAsync(PlainCredentials credentials, CancellationToken cancellationToken)
    {
        if (await FindMailboxAsync(credentials, cancellationToken) is not { } mailbox)
        {
            return Pop3Login.Refuse(Pop3LoginStatus.BadCredentials);
        }

        var grain = grains.GetGrain<IMailboxGrain>(mailbox.ToString());
        var overview = await grain.GetOverviewAsync(cancellationToken);
        return overview?.Folders.FirstOrDefault(f => f.SpecialUse == "\\Inbox") is { } inbox
            ? Pop3Login.Accept(await Pop3Maildrop.OpenAsync(grain, mailbox, inbox.Id, messages, cancellationToken))
            : Pop3Login.Refuse(Pop3LoginStatus.Unavailable);
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

    private async ValueTask<MailboxId?> FindMailboxAsync(PlainCredentials credentials, CancellationToken cancellationToken)
    {
        // Acting for somebody else (RFC 4616's authorization identity) is nobody's right here.
        var known = AddressName.TryParse(credentials.AuthenticationId, out var address) &&
            (credentials.AuthorizationId.Length == 0 || credentials.AuthorizationId == credentials.AuthenticationId);
        var domain = known ? await grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) : null;
        var account = grains.GetGrain<IAccountGrain>(domain is null ? AccountKey.OfNobody(Nobody) : AccountKey.Of(domain.Tenant, address));
        return await account.VerifyPasswordAsync(credentials.Password, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "POP3: a command could not be answered now: {Why}")]
    private partial void LogUnavailable(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "POP3: a command failed")]
    private partial void LogFailed(Exception exception);
}
