using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Pop3;

/// <summary>One POP3 connection's login, from <see cref="LoginPeer"/> <paramref name="peer"/>. An unknown name asks an account that does not exist, which costs what a wrong password costs.</summary>
public sealed partial class Pop3Backend(IGrainFactory grains, StoredMessages messages, string peer, ILogger<Pop3Backend> logger) : IPop3Backend, ISaslBackend
{
    private static readonly AddressName Nobody = new("nobody", "invalid");

    public async ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken) =>
        await FindMailboxAsync(credentials, cancellationToken) is { } mailbox
            ? SaslResult.Accept(new MailboxIdentity(credentials.AuthenticationId, mailbox))
            : SaslResult.Refuse(SaslStatus.BadCredentials);

    // Not offered (Pop3Gateway's policy), so never asked.
    public ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken) => throw new NotSupportedException();

    public async ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken)
    {
        var mailbox = ((MailboxIdentity)identity).Mailbox;
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

    private async ValueTask<MailboxId?> FindMailboxAsync(PlainCredentials credentials, CancellationToken cancellationToken)
    {
        // Acting for somebody else (RFC 4616's authorization identity) is nobody's right here.
        var known = AddressName.TryParse(credentials.AuthenticationId, out var address) &&
            (credentials.AuthorizationId.Length == 0 || credentials.AuthorizationId == credentials.AuthenticationId);
        var domain = known ? await grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) : null;
        var account = grains.GetGrain<IAccountGrain>(domain is null ? AccountKey.OfNobody(Nobody) : AccountKey.Of(domain.Tenant, address));
        return (await account.LogInAsync(credentials.Password, new LoginAttempt(AccessScope.Pop3, peer), cancellationToken)).Account?.Mailbox;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "POP3: a command could not be answered now: {Why}")]
    private partial void LogUnavailable(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "POP3: a command failed")]
    private partial void LogFailed(Exception exception);

    private sealed record MailboxIdentity(string Name, MailboxId Mailbox) : SaslIdentity(Name);
}
