using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Keeps the verifiers of one login. Each check reads the record, so that a password that was changed, or an account that was deleted,
/// counts at once whatever activation did it.
/// </summary>
[CollectionAgeLimit(Minutes = 15)]
public sealed class AccountGrain : Grain, IAccountGrain
{
    private readonly string _tenant;
    private readonly string _address;
    private readonly DirectoryCell<StoredAccount> _cell;
    private readonly PasswordChecks _passwords;
    private readonly DecoySalts _decoys;
    private readonly RememberedPassword _remembered = new();
    private readonly BriefStay _stay;

    public AccountGrain(StorageAccounts accounts, PasswordChecks passwords, DecoySalts decoys)
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
        _cell = new DirectoryCell<StoredAccount>(
            new DirectoryTable(accounts), "account:" + TableKey.Encode(_tenant), TableKey.Encode(_address), StoredJson.Readable.StoredAccount);
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

    public async ValueTask<LoginOutcome> LogInAsync(string password, LoginAttempt attempt, CancellationToken cancellationToken)
    {
        var entry = await _cell.ReadAsync(cancellationToken);
        var isRight = await IsPasswordAsync(entry, password, cancellationToken);
        return Conclude(entry, isRight);
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
        var entry = await _cell.ReadAsync(cancellationToken);
        var signature = _passwords.Verify(entry?.Value.VerifierOf(digest), digest, authMessage, clientProof);
        var login = Conclude(entry, signature is not null);
        return new ScramOutcome(login, login.Status == LoginStatus.Accepted ? signature! : []);
    }

    public async ValueTask<LoginOutcome> ConfirmTokenAsync(LoginAttempt attempt, CancellationToken cancellationToken) =>
        Conclude(await _cell.ReadAsync(cancellationToken), isRight: true);

    public ValueTask<LockoutState> GetLockoutAsync(CancellationToken cancellationToken) => new(new LockoutState(0, null, null, null));

    public ValueTask LiftLockoutAsync(CancellationToken cancellationToken) => default;

    public async ValueTask<SenderRights?> GetSenderRightsAsync(CancellationToken cancellationToken)
    {
        var entry = await _cell.ReadAsync(cancellationToken);
        StayIfThere(entry);
        if (entry?.Value.Mailbox is null)
        {
            return null;
        }

        var settings = StoredSettings.Read(entry.Value.Settings);
        return new SenderRights(settings.SendAs, settings.Limits);
    }

    public ValueTask<PasswordChange> ChangePasswordAsync(string current, string next, LoginAttempt attempt, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public ValueTask<AppPasswordList> ListAppPasswordsAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<NewAppPassword> MakeAppPasswordAsync(
        string label, AccessScope scopes, DateTimeOffset? expires, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<bool> RevokeAppPasswordAsync(string id, CancellationToken cancellationToken) => throw new NotSupportedException();

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

    private LoginOutcome Conclude(Entry<StoredAccount>? entry, bool isRight)
    {
        StayIfThere(entry);
        return entry?.Value switch
        {
            { Mailbox: { } mailbox } account when isRight => account.Settings is { Disabled: true }
                ? LoginOutcome.Refuse(LoginStatus.Disabled)
                : LoginOutcome.Accept(new LoginAccount(_tenant, _address, MailboxId.Parse(mailbox), null)),
            _ => LoginOutcome.Refuse(LoginStatus.BadCredentials),
        };
    }

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
