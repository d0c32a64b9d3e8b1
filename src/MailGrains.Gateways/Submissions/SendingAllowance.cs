using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Senders;

namespace MailGrains.Gateways.Submissions;

/// <summary>
/// What an account and its tenant may still send. A message takes from both when its content begins; what is not sent after all is given back, and where that
/// fails it stays counted until its hour and day are over.
/// </summary>
public sealed class SendingAllowance(IGrainFactory grains)
{
    private readonly GrainKind<ISenderGrain> _senders = new(grains);
    private readonly GrainKind<ITenantGrain> _tenants = new(grains);

    /// <summary>Takes a message's worth from both, or from neither.</summary>
    /// <param name="limits">Of the account; null: the service's default.</param>
    public async ValueTask<SendGrant> TryTakeAsync(LoginAccount login, int recipients, SendingLimits? limits, CancellationToken cancellationToken)
    {
        var tenant = await _tenants.Of(login.Tenant).FindAsync(cancellationToken);
        var own = await AccountOf(login).TryTakeAsync(recipients, limits, cancellationToken);
        if (!own.Allowed)
        {
            return own;
        }

        var all = await _senders.Of(login.Tenant).TryTakeAsync(recipients, tenant?.Settings.Limits, cancellationToken);
        if (!all.Allowed)
        {
            await AccountOf(login).GiveBackAsync(recipients, CancellationToken.None);
        }

        return all;
    }

    public async ValueTask GiveBackAsync(LoginAccount login, int recipients)
    {
        await AccountOf(login).GiveBackAsync(recipients, CancellationToken.None);
        await _senders.Of(login.Tenant).GiveBackAsync(recipients, CancellationToken.None);
    }

    private ISenderGrain AccountOf(LoginAccount login) => _senders.Of($"{login.Tenant}/{login.Address}");
}
