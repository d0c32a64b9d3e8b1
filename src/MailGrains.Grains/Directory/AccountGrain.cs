using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Placement;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Keeps the verifiers of one login. Each check reads the record, so that a password that was changed, or an account that was deleted,
/// counts at once whatever activation did it.
/// </summary>
[CollectionAgeLimit(Minutes = 15), HashBasedPlacement]
public sealed class AccountGrain : Grain, IAccountGrain
{
    private readonly string _tenant;
    private readonly string _address;
    private readonly DirectoryCell<StoredAccount> _cell;
    private readonly PasswordChecks _passwords;
    private readonly DecoySalts _decoys;
    private readonly RememberedPassword _remembered = new();
    private readonly BriefStay _stay;
    private readonly AccountLogins _logins;
    private readonly AccountSecrets _secrets;
    private readonly TimeProvider _time;

    public AccountGrain(
        StorageAccounts accounts, PasswordChecks passwords, DecoySalts decoys, UnknownAccounts unknown, LockoutOptions lockouts,
        [FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time)
    {
        var key = this.GetPrimaryKeyString();
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash + 1 == key.Length)
        {
            throw new ArgumentException($"'{key}' is not the key of an account.");
        }

        (_tenant, _address) = (key[..slash], key[(slash + 1)..]);
        _passwords = passwords;
        _decoys = decoys;
        _stay = new BriefStay(this);
        _time = time;
        var (table, partition, row) = (new DirectoryTable(accounts), "account:" + TableKey.Encode(_tenant), TableKey.Encode(_address));
        _cell = new DirectoryCell<StoredAccount>(table, partition, row, StoredJson.Readable.StoredAccount);

        // No key has a '!' of its own.
        _logins = new AccountLogins(table, partition, row + "!logins", key, unknown, lockouts, time);
        _secrets = new AccountSecrets(_cell, passwords, time);
    }

    public async ValueTask<DirectoryWrite> PutAsync(
        MailboxId mailbox, string? password, AccountSettings? settings, long revision, CancellationToken cancellationToken)
    {
        ScramVerifier? sha256 = null, sha1 = null;
        if (password is not null)
        {
            if (!SaslPrep.TryPrepare(password, out var prepared))
            {
                throw new ArgumentException("The password can't be prepared.", nameof(password));
            }

            (sha256, sha1) = await _passwords.MakeAsync(prepared, cancellationToken);
        }

        // All that a record holds belongs to a mailbox: one made again under the same name starts without.
        var id = mailbox.ToString();
        return await _cell.WriteAsync(
            found =>
            {
                var kept = found?.Mailbox == id ? found : new StoredAccount(id, null, null);
                return kept with
                {
                    Sha256 = password is null ? kept.Sha256 : sha256,
                    Sha1 = password is null ? kept.Sha1 : sha1,
                    Settings = settings is null ? kept.Settings : StoredSettings.Of(settings),
                };
            },
            revision,
            found => found.Revision > revision ? DirectoryWrite.Stale : null,
            cancellationToken);
    }

    public ValueTask<DirectoryWrite> DeleteAsync(long revision, CancellationToken cancellationToken) => _cell.WriteAsync(
        _ => StoredAccount.Deleted,
        revision,
        found => found.Revision > revision ? DirectoryWrite.Stale : null,
        cancellationToken);

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        _logins.WrittenAsync().WaitAsync(cancellationToken);

    public async ValueTask<LoginOutcome> LogInAsync(string password, LoginAttempt attempt, CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        if (Refusal(entry, attempt) is { } locked)
        {
            return locked;
        }

        if (AppPasswordSecrets.Find(entry?.Value, password, attempt.Scope, _time.GetUtcNow()) is { } appPassword)
        {
            return Conclude(entry, attempt, isRight: true, appPassword.Id);
        }

        return Conclude(entry, attempt, await IsPasswordAsync(entry, password, cancellationToken));
    }

    public async ValueTask<ScramParameters> BeginScramAsync(ScramDigest digest, CancellationToken cancellationToken)
    {
        var entry = await _cell.ReadAsync(cancellationToken);
        var decoy = await _decoys.OfAsync($"{_tenant}/{_address}", digest, cancellationToken);
        StayIfThere(entry);
        return entry?.Value.VerifierOf(digest) is { } verifier ? new ScramParameters(verifier.Salt, verifier.Iterations) : decoy;
    }

    public async ValueTask<ScramOutcome> FinishScramAsync(
        ScramDigest digest, byte[] authMessage, byte[] clientProof, LoginAttempt attempt, CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        if (Refusal(entry, attempt) is { } locked)
        {
            return new ScramOutcome(locked, []);
        }

        var signature = _passwords.Verify(entry?.Value.VerifierOf(digest), digest, authMessage, clientProof);
        var login = Conclude(entry, attempt, signature is not null);
        return new ScramOutcome(login, login.Status == LoginStatus.Accepted ? signature! : []);
    }

    // A token can't be guessed, so failures do not stand in its way, and make none.
    public async ValueTask<LoginOutcome> ConfirmTokenAsync(LoginAttempt attempt, CancellationToken cancellationToken) =>
        await ReadAsync(cancellationToken) is { Value.Mailbox: not null } entry
            ? Accept(entry.Value, attempt, null)
            : LoginOutcome.Refuse(LoginStatus.BadCredentials);

    public async ValueTask<LockoutState> GetLockoutAsync(CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        await _logins.WrittenAsync();
        return _logins.Describe(entry?.Value.Mailbox);
    }

    public async ValueTask LiftLockoutAsync(CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        _logins.Lift(entry?.Value.Mailbox);
        await _logins.WrittenAsync();
    }

    public async ValueTask<SenderRights?> GetSenderRightsAsync(CancellationToken cancellationToken)
    {
        var entry = await _cell.ReadAsync(cancellationToken);
        StayIfThere(entry);
        if (entry?.Value.Mailbox is null)
        {
            return null;
        }

        var settings = StoredSettings.Read(entry.Value.Settings);
        return settings.Disabled ? null : new SenderRights(settings.SendAs, settings.Limits);
    }

    public async ValueTask<PasswordChange> ChangePasswordAsync(
        string current, string next, LoginAttempt attempt, CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        var login = Refusal(entry, attempt) ?? Conclude(entry, attempt, await IsPasswordAsync(entry, current, cancellationToken));
        if (login.Status != LoginStatus.Accepted)
        {
            return new PasswordChange(login, null);
        }

        return new PasswordChange(login, await _secrets.ChangePasswordAsync(entry!.Value, _address, next, cancellationToken));
    }

    public async ValueTask<AppPasswordList> ListAppPasswordsAsync(CancellationToken cancellationToken) =>
        await ReadAsync(cancellationToken) is { Value: { Mailbox: { } mailbox, AppPasswords: { } all } }
            ? new AppPasswordList([.. all.Select(p => p.Read(_logins.LastUsed(mailbox, p.Id)))])
            : new AppPasswordList([]);

    public ValueTask<NewAppPassword> MakeAppPasswordAsync(
        string label, AccessScope scopes, DateTimeOffset? expires, CancellationToken cancellationToken) =>
        _secrets.MakeAppPasswordAsync(label, scopes, expires, cancellationToken);

    public async ValueTask<bool> RevokeAppPasswordAsync(string id, CancellationToken cancellationToken)
    {
        var entry = await ReadAsync(cancellationToken);
        if (!await _secrets.RevokeAppPasswordAsync(id, cancellationToken))
        {
            return false;
        }

        _logins.ForgetAppPassword(entry!.Value.Mailbox!, id);
        return true;
    }

    /// <summary>The record as it stands in the store, and with an activation's first question what is noted of its logins.</summary>
    private async ValueTask<Entry<StoredAccount>?> ReadAsync(CancellationToken cancellationToken)
    {
        await _logins.LoadAsync(cancellationToken);
        var entry = await _cell.ReadAsync(cancellationToken);
        StayIfThere(entry);
        return entry;
    }

    /// <summary>Whether it is the account's own password; costs the same whether or not there is such an account.</summary>
    private async ValueTask<bool> IsPasswordAsync(Entry<StoredAccount>? entry, string password, CancellationToken cancellationToken)
    {
        var verifier = entry?.Value.VerifierOf(ScramDigest.Sha256);
        var isPrepared = SaslPrep.TryPrepare(password, out var prepared);
        if (verifier is not null && isPrepared && _remembered.Is(entry!.ETag, prepared!))
        {
            return true;
        }

        if (await _passwords.VerifyAsync(verifier, prepared ?? "", cancellationToken) && isPrepared)
        {
            _remembered.Remember(entry!.ETag, prepared!);
            return true;
        }

        return false;
    }

    /// <summary>The answer to all while the account is locked: nothing is checked, so nobody learns anything.</summary>
    private LoginOutcome? Refusal(Entry<StoredAccount>? entry, LoginAttempt attempt) =>
        IsCounted ? _logins.Refusal(entry?.Value.Mailbox, attempt.Peer) : null;

    private LoginOutcome Conclude(Entry<StoredAccount>? entry, LoginAttempt attempt, bool isRight, string? appPassword = null)
    {
        // Others may have failed while this was checked: of many guesses at once no more are answered than of one after the other.
        if (Refusal(entry, attempt) is { } locked)
        {
            return locked;
        }

        return isRight && entry?.Value is { Mailbox: not null } account
            ? Accept(account, attempt, appPassword)
            : LoginOutcome.Refuse(LoginStatus.BadCredentials, IsCounted ? _logins.Fail(entry?.Value.Mailbox, attempt.Peer) : default);
    }

    private LoginOutcome Accept(StoredAccount account, LoginAttempt attempt, string? appPassword)
    {
        if (account.Settings is { Disabled: true })
        {
            return LoginOutcome.Refuse(LoginStatus.Disabled);
        }

        _logins.Succeed(account.Mailbox!, attempt.Peer, appPassword);
        return LoginOutcome.Accept(new LoginAccount(_tenant, _address, MailboxId.Parse(account.Mailbox!), appPassword));
    }

    // All who name a domain that is not hosted here share one account that is none (AccountKey.OfNobody); whether a domain is hosted is no secret.
    private bool IsCounted => _tenant != "-";

    /// <summary>An activation of an account that is not there keeps nothing.</summary>
    private void StayIfThere(Entry<StoredAccount>? entry)
    {
        if (entry?.Value.Mailbox is null)
        {
            _stay.Renew();
        }
        else
        {
            _stay.End();
        }
    }
}
