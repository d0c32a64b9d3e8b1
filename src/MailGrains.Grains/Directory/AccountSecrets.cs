using System.Text.Json;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Directory;

/// <summary>
/// What a user changes in the account's record. Each change is written over the version that it was made of and keeps that one's revision, so that
/// neither it nor a tenant's change is lost, whichever comes first.
/// </summary>
internal sealed class AccountSecrets(DirectoryCell<StoredAccount> cell, PasswordChecks passwords, TimeProvider time)
{
    private const int MaxAttempts = 4;

    /// <param name="before">The record whose password the user has proven.</param>
    /// <returns>Why the new password was not taken, or null.</returns>
    public async ValueTask<string?> ChangePasswordAsync(
        StoredAccount before, string address, string password, CancellationToken cancellationToken)
    {
        if (!AddressName.TryParse(address, out var name) || !SaslPrep.TryPrepare(password, out var prepared))
        {
            return $"A password has no control characters and at most {SaslPrep.MaxChars} characters.";
        }

        if (PasswordRules.Violation(password, name) is { } violation)
        {
            return violation;
        }

        var (sha256, sha1) = await passwords.MakeAsync(prepared, cancellationToken);
        var isChanged = await ChangeAsync(
            found => found.Mailbox == before.Mailbox && found.Sha256 is { } now && now.StoredKey.AsSpan().SequenceEqual(before.Sha256!.StoredKey)
                ? found with { Sha256 = sha256, Sha1 = sha1 }
                : null,
            cancellationToken);
        return isChanged ? null : "The password was changed by somebody else just now.";
    }

    public async ValueTask<NewAppPassword> MakeAppPasswordAsync(
        string label, AccessScope scopes, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        var clean = string.Concat(label.Take(2 * AppPassword.MaxLabelChars).Where(c => !char.IsControl(c) && c is not ('\u2028' or '\u2029'))).Trim();
        if (clean.Length is 0 or > AppPassword.MaxLabelChars)
        {
            return new NewAppPassword(null, null, $"A label has 1 to {AppPassword.MaxLabelChars} characters.");
        }

        if (scopes == AccessScope.None || (scopes & ~AccessScope.All) != 0)
        {
            return new NewAppPassword(null, null, "An app password is for at least one of the protocols.");
        }

        if (expires <= time.GetUtcNow())
        {
            return new NewAppPassword(null, null, "An app password does not expire before it is made.");
        }

        var (made, secret) = AppPasswordSecrets.Make(clean, scopes, time.GetUtcNow(), expires);
        var refusal = "There is no such account.";
        var isMade = await ChangeAsync(
            found =>
            {
                var next = found with { AppPasswords = [.. found.AppPasswords ?? [], made] };
                refusal = $"An account has at most {AppPassword.MaxPerAccount} app passwords.";
                return next.AppPasswords.Length <= AppPassword.MaxPerAccount &&
                    JsonSerializer.Serialize(next, StoredJson.Readable.StoredAccount).Length <= DirectoryTable.MaxRecordChars
                        ? next
                        : null;
            },
            cancellationToken);
        return isMade ? new NewAppPassword(made.Read(null), secret, null) : new NewAppPassword(null, null, refusal);
    }

    public ValueTask<bool> RevokeAppPasswordAsync(string id, CancellationToken cancellationToken) => ChangeAsync(
        found => found.AppPasswords?.Any(p => p.Id == id) == true ? found with { AppPasswords = [.. found.AppPasswords.Where(p => p.Id != id)] } : null,
        cancellationToken);

    /// <summary>False: the account is not there, or there is nothing to change.</summary>
    private async ValueTask<bool> ChangeAsync(Func<StoredAccount, StoredAccount?> change, CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            if (await cell.ReadAsync(cancellationToken) is not { Value.Mailbox: not null } entry || change(entry.Value) is not { } next)
            {
                return false;
            }

            var write = await cell.WriteAsync(
                _ => next, entry.Revision, found => found.ETag != entry.ETag ? DirectoryWrite.Stale : null, cancellationToken);
            if (write == DirectoryWrite.Written)
            {
                return true;
            }
        }

        throw new StoreUnavailableException("The account is being changed elsewhere.");
    }
}
