using System.Globalization;
using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Text;
using MailGrains.Protocols.Sasl;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Accounts;

/// <summary>
/// The logins of one connection. A name is an address; what is no name of ours asks an account that is not there, which costs what a wrong
/// password costs. Failures are counted by the account and by the client's address; the more there were, the later the answer.
/// </summary>
public sealed partial class AccountLogins(
    IGrainFactory grains, TokenChecks tokens, AccessScope scope, IPAddress peer, TimeProvider time, ILogger<AccountLogins> logger) : ISaslBackend
{
    private readonly LoginAttempt _attempt = new(scope, LoginPeer.Of(peer));

    public async ValueTask<SaslResult> CheckPasswordAsync(PlainCredentials credentials, CancellationToken cancellationToken)
    {
        if (await SourceLockAsync(credentials.AuthenticationId, cancellationToken) is { } locked)
        {
            return locked;
        }

        var account = await FindAsync(credentials.AuthenticationId, cancellationToken);
        var outcome = await account.LogInAsync(credentials.Password, _attempt, cancellationToken);
        return await AnswerAsync(outcome, credentials.AuthenticationId, credentials.AuthorizationId, cancellationToken);
    }

    public async ValueTask<ScramChallenge> BeginScramAsync(ScramHash hash, string user, CancellationToken cancellationToken)
    {
        var account = await FindAsync(user, cancellationToken);
        var parameters = await account.BeginScramAsync(DigestOf(hash), cancellationToken);
        return new ScramChallenge(parameters.Salt, parameters.Iterations);
    }

    public async ValueTask<ScramResult> FinishScramAsync(ScramProof proof, CancellationToken cancellationToken)
    {
        if (await SourceLockAsync(proof.User, cancellationToken) is { } locked)
        {
            return new ScramResult(locked, []);
        }

        var account = await FindAsync(proof.User, cancellationToken);
        var outcome = await account.FinishScramAsync(DigestOf(proof.Hash), proof.AuthMessage, proof.ClientProof, _attempt, cancellationToken);
        return new ScramResult(await AnswerAsync(outcome.Login, proof.User, proof.AuthorizationId, cancellationToken), outcome.ServerSignature);
    }

    public async ValueTask<SaslResult> CheckTokenAsync(BearerCredentials credentials, CancellationToken cancellationToken)
    {
        if (await SourceLockAsync(credentials.User, cancellationToken) is { } locked)
        {
            return locked;
        }

        var check = await tokens.CheckAsync(credentials, cancellationToken);
        if (check.Status == TokenStatus.Unavailable)
        {
            LogTokenNotChecked(new LogText(check.User), _attempt.Peer, new LogText(check.Reason));
            return SaslResult.Refuse(SaslStatus.Unavailable);
        }

        if (check.Status == TokenStatus.Refused)
        {
            LogTokenRefused(new LogText(check.User), _attempt.Peer, new LogText(check.Reason));
        }

        var outcome = check.Status == TokenStatus.Accepted
            ? await (await FindAsync(check.User, cancellationToken)).ConfirmTokenAsync(_attempt, cancellationToken)
            : LoginOutcome.Refuse(LoginStatus.BadCredentials);
        return await AnswerAsync(outcome, check.User, credentials.AuthorizationId, cancellationToken);
    }

    private static ScramDigest DigestOf(ScramHash hash) => hash == ScramHash.Sha1 ? ScramDigest.Sha1 : ScramDigest.Sha256;

    private async ValueTask<IAccountGrain> FindAsync(string name, CancellationToken cancellationToken) =>
        grains.GetGrain<IAccountGrain>(await AccountKey.OfLoginAsync(grains, name, cancellationToken));

    /// <summary>An address that has failed too often is not listened to at all.</summary>
    private async ValueTask<SaslResult?> SourceLockAsync(string name, CancellationToken cancellationToken)
    {
        if (await Source.LockedUntilAsync(cancellationToken) is not { } until)
        {
            return null;
        }

        LogSourceLocked(new LogText(name), _attempt.Peer, until);
        return Locked(until);
    }

    private ILoginSourceGrain Source => grains.GetGrain<ILoginSourceGrain>(_attempt.Peer);

    private async ValueTask<SaslResult> AnswerAsync(LoginOutcome outcome, string name, string authorizationId, CancellationToken cancellationToken)
    {
        if (outcome is { Status: LoginStatus.Accepted, Account: { } account })
        {
            // Acting for somebody else (RFC 4422 §3.4.1) is nobody's right here.
            if (authorizationId.Length == 0 || (AddressName.TryParse(authorizationId, out var other) && other.ToString() == account.Address))
            {
                return SaslResult.Accept(new AccountIdentity(account));
            }

            outcome = LoginOutcome.Refuse(LoginStatus.BadCredentials);
        }

        LogRefused(new LogText(name), _attempt.Peer, scope, outcome.Status);
        await Source.RecordFailureAsync(cancellationToken);
        if (outcome.Delay > TimeSpan.Zero)
        {
            // A timer waits, no thread.
            await Task.Delay(outcome.Delay, time, cancellationToken);
        }

        return outcome.Status switch
        {
            LoginStatus.Locked => Locked(outcome.LockedUntil),
            LoginStatus.Disabled => SaslResult.Refuse(SaslStatus.Disabled),
            _ => SaslResult.Refuse(SaslStatus.BadCredentials),
        };
    }

    private static SaslResult Locked(DateTimeOffset? until) => SaslResult.Refuse(
        SaslStatus.Locked,
        until is { } time
            ? string.Create(CultureInfo.InvariantCulture, $"Too many failed logins, try again after {time.UtcDateTime:yyyy-MM-dd HH:mm} UTC")
            : null);

    [LoggerMessage(Level = LogLevel.Information, Message = "Login as {Name} from {Peer} for {Scope} refused: {Status}")]
    private partial void LogRefused(LogText name, string peer, AccessScope scope, LoginStatus status);

    [LoggerMessage(Level = LogLevel.Information, Message = "Login as {Name} from {Peer} refused: that address is locked until {Until}")]
    private partial void LogSourceLocked(LogText name, string peer, DateTimeOffset until);

    [LoggerMessage(Level = LogLevel.Information, Message = "Token of {Name} from {Peer} refused: {Why}")]
    private partial void LogTokenRefused(LogText name, string peer, LogText why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Token of {Name} from {Peer} could not be checked: {Why}")]
    private partial void LogTokenNotChecked(LogText name, string peer, LogText why);
}
