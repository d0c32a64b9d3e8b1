using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A login: SCRAM verifiers (RFC 5802, RFC 7677), never a password. Key: <see cref="AccountKey"/>. A grain of an account that was never made
/// refuses at the same cost as one with a wrong password.
/// </summary>
[Alias("mailgrains.IAccountGrain")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Makes the account or changes it; a null password keeps the verifiers. Called by the tenant alone.</summary>
    /// <param name="revision">Of the tenant's change (see <see cref="ITenantGrain"/>); a lower one than the record's is refused.</param>
    [Alias("Put")]
    ValueTask<DirectoryWrite> PutAsync(MailboxId mailbox, string? password, long revision, CancellationToken cancellationToken);

    /// <summary>Removes verifiers and mailbox; a repeat does nothing.</summary>
    [Alias("Delete")]
    ValueTask<DirectoryWrite> DeleteAsync(long revision, CancellationToken cancellationToken);

    /// <summary>
    /// Checks a password that came in clear (PLAIN, USER/PASS): the mailbox that it opens, or null. The record is read from the store each
    /// time, so that a changed password counts at once.
    /// </summary>
    /// <exception cref="StoreUnavailableException">
    /// The record can't be read, or too many passwords are being checked: a temporary failure, never "wrong password".
    /// </exception>
    [Alias("VerifyPassword"), Orleans.Concurrency.AlwaysInterleave]
    ValueTask<MailboxId?> VerifyPasswordAsync(string password, CancellationToken cancellationToken);
}

/// <summary>Keys of <see cref="IAccountGrain"/>: <c>tenant/address</c>.</summary>
public static class AccountKey
{
    public static string Of(string tenant, AddressName address) => $"{tenant}/{address}";

    /// <summary>
    /// The key for a login whose domain is not hosted here: no tenant has the name '-', so that the check fails at the usual cost.
    /// </summary>
    public static string OfNobody(AddressName address) => Of("-", address);
}
