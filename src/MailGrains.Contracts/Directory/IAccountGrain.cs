using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Directory;

/// <summary>
/// A login: SCRAM verifiers (RFC 5802, RFC 7677), never a password. Key: <c>tenant/address</c>. A grain of an account that was never made
/// refuses at the same cost as one with a wrong password.
/// </summary>
[Alias("mailgrains.IAccountGrain")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Makes the account or changes it; a null password keeps the verifiers.</summary>
    [Alias("Put")]
    ValueTask PutAsync(MailboxId mailbox, string? password, CancellationToken cancellationToken);

    [Alias("Delete")]
    ValueTask DeleteAsync(CancellationToken cancellationToken);

    /// <summary>Checks a password that came in clear (PLAIN, USER/PASS): the mailbox that it opens, or null.</summary>
    /// <exception cref="StoreUnavailableException">The record can't be read now: a temporary failure, never "wrong password".</exception>
    [Alias("VerifyPassword")]
    ValueTask<MailboxId?> VerifyPasswordAsync(string password, CancellationToken cancellationToken);
}
