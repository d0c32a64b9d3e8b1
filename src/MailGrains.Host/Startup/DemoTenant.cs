using MailGrains.Contracts.Directory;
using Microsoft.Extensions.Hosting;

namespace MailGrains.Host.Startup;

/// <summary>
/// Sees to the demo tenant at each start: <c>alice@example.test</c> and <c>bob@example.test</c> with the demo password. What else was made in
/// that tenant stays.
/// </summary>
internal sealed class DemoTenant(IGrainFactory grains, Secret password) : IHostedService
{
    public const string Name = "demo";
    public const string Domain = "example.test";

    private static readonly string[] Users = ["alice", "bob"];

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var tenant = grains.GetGrain<ITenantGrain>(Name);
        if (await tenant.FindAsync(cancellationToken) is null)
        {
            Check(await tenant.PutAsync(new TenantSettings("Demo"), cancellationToken));
        }

        if (await tenant.FindDomainAsync(Domain, cancellationToken) is null)
        {
            Check(await tenant.PutDomainAsync(Domain, new DomainSettings(null, null), cancellationToken));
        }

        foreach (var user in Users)
        {
            var address = AddressName.TryParse($"{user}@{Domain}", out var name) ? name : throw new InvalidOperationException($"{user} is no localpart.");
            Check(await tenant.PutMailboxAsync(address, new MailboxSettings(password.Value, null), cancellationToken));
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static void Check(PutOutcome outcome)
    {
        if (outcome.Status is not (PutStatus.Created or PutStatus.Changed))
        {
            throw new InvalidOperationException($"The demo tenant could not be made: {outcome.Reason} MailGrains:Demo:Enabled=false leaves it out.");
        }
    }
}
