using MailGrains.Contracts.Directory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Gateways.Accounts;

/// <summary>Who has logged in on a connection.</summary>
public sealed record AccountIdentity(LoginAccount Account) : SaslIdentity(Account.Address);
