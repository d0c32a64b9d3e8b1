using MailGrains.Contracts.Calls;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A login: SCRAM verifiers (RFC 5802, RFC 7677), never a password. Key: <see cref="AccountKey"/>. A grain of an account that was never made
/// refuses at the same cost as one with a wrong password.
/// </summary>
[Alias("mailgrains.IAccountGrain")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Makes the account or changes it; a null password keeps the verifiers, null settings those that are. Called by the tenant alone.</summary>
    /// <param name="revision">Of the tenant's change (see <see cref="ITenantGrain"/>); a lower one than the record's is refused.</param>
    [Alias("Put")]
    ValueTask<DirectoryWrite> PutAsync(MailboxId mailbox, string? password, AccountSettings? settings, long revision, CancellationToken cancellationToken);

    /// <summary>Removes verifiers and mailbox; a repeat does nothing.</summary>
    [Alias("Delete")]
    ValueTask<DirectoryWrite> DeleteAsync(long revision, CancellationToken cancellationToken);

    /// <summary>
    /// Checks a password that came in clear (PLAIN, LOGIN, USER/PASS), the account's own or an app password. The record is read from the store
    /// each time, so that a changed password counts at once; a failure is counted, and an account that is not there costs as much.
    /// </summary>
    /// <exception cref="StoreUnavailableException">
    /// The record can't be read, or too many passwords are being checked: a temporary failure, never "wrong password".
    /// </exception>
    [Alias("LogIn"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<LoginOutcome> LogInAsync(string password, LoginAttempt attempt, CancellationToken cancellationToken);

    /// <summary>Salt and iterations for a SCRAM exchange.</summary>
    /// <exception cref="StoreUnavailableException">Here and below: the record can't be read now.</exception>
    [Alias("BeginScram"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<ScramParameters> BeginScramAsync(ScramDigest digest, CancellationToken cancellationToken);

    /// <summary>Checks a SCRAM proof (RFC 5802 §3): verifiers never leave the grain's silo. Counts like <see cref="LogInAsync"/>.</summary>
    [Alias("FinishScram"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<ScramOutcome> FinishScramAsync(
        ScramDigest digest, byte[] authMessage, byte[] clientProof, LoginAttempt attempt, CancellationToken cancellationToken);

    /// <summary>A login that a token has proven elsewhere: whether the account is there and may be used.</summary>
    [Alias("ConfirmToken"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<LoginOutcome> ConfirmTokenAsync(LoginAttempt attempt, CancellationToken cancellationToken);

    [Alias("GetLockout"), MayRepeat]
    ValueTask<LockoutState> GetLockoutAsync(CancellationToken cancellationToken);

    /// <summary>Forgets all failures.</summary>
    [Alias("LiftLockout"), MayRepeat]
    ValueTask LiftLockoutAsync(CancellationToken cancellationToken);

    /// <summary>What the account may send as; null where it is not there, or is disabled.</summary>
    [Alias("GetSenderRights"), MayRepeat, Orleans.Concurrency.AlwaysInterleave]
    ValueTask<SenderRights?> GetSenderRightsAsync(CancellationToken cancellationToken);

    /// <summary>The user's own change; counts like <see cref="LogInAsync"/>, and an app password does not do.</summary>
    [Alias("ChangePassword")]
    ValueTask<PasswordChange> ChangePasswordAsync(string current, string next, LoginAttempt attempt, CancellationToken cancellationToken);

    [Alias("ListAppPasswords"), MayRepeat]
    ValueTask<AppPasswordList> ListAppPasswordsAsync(CancellationToken cancellationToken);

    [Alias("MakeAppPassword")]
    ValueTask<NewAppPassword> MakeAppPasswordAsync(string label, AccessScope scopes, DateTimeOffset? expires, CancellationToken cancellationToken);

    /// <summary>False: there is no such app password.</summary>
    [Alias("RevokeAppPassword")]
    ValueTask<bool> RevokeAppPasswordAsync(string id, CancellationToken cancellationToken);
}

/// <summary>Keys of <see cref="IAccountGrain"/>: <c>tenant/address</c>.</summary>
public static class AccountKey
{
    private static readonly AddressName Nobody = new("nobody", "invalid");

    public static string Of(string tenant, AddressName address) => $"{tenant}/{address}";

    /// <summary>
    /// The key for a login whose domain is not hosted here: no tenant has the name '-', so that the check fails at the usual cost.
    /// </summary>
    public static string OfNobody(AddressName address) => Of("-", address);

    /// <summary>The key for a login by that name, which is an address; what is none of ours is somebody's who is not there.</summary>
    /// <exception cref="StoreUnavailableException">The directory can't be read now.</exception>
    public static async ValueTask<string> OfLoginAsync(IGrainFactory grains, string name, CancellationToken cancellationToken) =>
        AddressName.TryParse(name, out var address) &&
        await grains.GetGrain<IDomainGrain>(address.Domain).FindAsync(cancellationToken) is { } domain
            ? Of(domain.Tenant, address)
            : OfNobody(Nobody);
}
