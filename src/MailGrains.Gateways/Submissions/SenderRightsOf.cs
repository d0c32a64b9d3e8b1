using MailGrains.Contracts.Directory;

namespace MailGrains.Gateways.Submissions;

/// <summary>What an account may send as, beside its own addresses, and how much; null where it is not there or is disabled.</summary>
/// <exception cref="Contracts.StoreUnavailableException">The record can't be read now.</exception>
public delegate ValueTask<SenderRights?> SenderRightsOf(LoginAccount login, CancellationToken cancellationToken);
