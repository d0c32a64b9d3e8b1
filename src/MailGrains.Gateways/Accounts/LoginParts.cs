using System.Net;
using MailGrains.Contracts.Directory;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Accounts;

/// <summary>What the logins of this process share.</summary>
public sealed record LoginParts(IGrainFactory Grains, TokenChecks Tokens, TimeProvider Time, ILogger<AccountLogins> Logger)
{
    /// <summary>The logins of one connection.</summary>
    public AccountLogins For(AccessScope scope, IPAddress peer) => new(Grains, Tokens, scope, peer, Time, Logger);
}
