using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// Keeps the verifiers of one login. Each check reads the record, so that a password that was changed, or an account that was deleted,
/// counts at once whatever activation did it. The last password that was right is remembered, as an HMAC under a key of this activation, for
/// as long as the record's ETag stays: a client that logs in each minute costs a point read instead of a derivation.
/// </summary>
[CollectionAgeLimit(Minutes = 15)]
public sealed class AccountGrain : Grain, IAccountGrain
{
    private readonly DirectoryCell<StoredAccount> _cell;
    private readonly PasswordChecks _passwords;
    private readonly BriefStay _stay;
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);
    private (string ETag, byte[] Hmac)? _remembered;

    public AccountGrain(StorageAccounts accounts, PasswordChecks passwords)
    {
        var key = this.GetPrimaryKeyString();
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0 || slash + 1 == key.Length)
        {
            throw new ArgumentException($"'{key}' is not the key of an account.");
        }

        _passwords = passwords;
        _stay = new BriefStay(this);
        _cell = new DirectoryCell<StoredAccount>(
            new DirectoryTable(accounts), "account:" + TableKey.Encode(key[..slash]), TableKey.Encode(key[(slash + 1)..]),
            StoredJson.Readable.StoredAccount);
    }

    public async ValueTask<DirectoryWrite> PutAsync(MailboxId mailbox, string? password, long revision, CancellationToken cancellationToken)
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

        // Verifiers belong to a mailbox: one made again under the same name starts without.
        var id = mailbox.ToString();
        return await _cell.WriteAsync(
            found => password is null && found?.Mailbox == id ? found : new StoredAccount(id, sha256, sha1),
            revision,
            found => found.Revision > revision ? DirectoryWrite.Stale : null,
            cancellationToken);
    }

    public ValueTask<DirectoryWrite> DeleteAsync(long revision, CancellationToken cancellationToken) => _cell.WriteAsync(
        _ => new StoredAccount(null, null, null),
        revision,
        found => found.Revision > revision ? DirectoryWrite.Stale : null,
        cancellationToken);

    public async ValueTask<MailboxId?> VerifyPasswordAsync(string password, CancellationToken cancellationToken)
    {
        var entry = await _cell.ReadAsync(cancellationToken);
        var account = entry?.Value;
        var isPrepared = SaslPrep.TryPrepare(password, out var prepared);
        var hmac = HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(prepared ?? ""));
        if (isPrepared && account is { Mailbox: not null } && _remembered is { } last && last.ETag == entry!.ETag &&
            CryptographicOperations.FixedTimeEquals(last.Hmac, hmac))
        {
            return MailboxId.Parse(account.Mailbox);
        }

        var verifier = account is { Mailbox: not null } ? account.Sha256 : null;
        if (await _passwords.VerifyAsync(verifier, prepared ?? "", cancellationToken) && isPrepared)
        {
            _remembered = (entry!.ETag, hmac);
            _stay.End();
            return MailboxId.Parse(account!.Mailbox!);
        }

        if (verifier is null)
        {
            _stay.Renew();
        }

        return null;
    }
}
