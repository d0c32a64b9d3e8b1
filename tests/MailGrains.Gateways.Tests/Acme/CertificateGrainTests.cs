using MailGrains.Contracts.Certificates;
using MailGrains.Contracts.Directory;

namespace MailGrains.Gateways.Tests.Acme;

/// <summary>What others ask of the grain; its runs go on beside the test.</summary>
public sealed class CertificateGrainTests(AcmeCluster cluster) : IClassFixture<AcmeCluster>
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_starts_by_itself_takes_new_domains_when_told_and_orders_anew_what_is_named()
    {
        await cluster.Grain.StartAsync(Stop);
        var host = await UntilAsync(AcmeCluster.HostName, state => state is { NotAfter: not null, LastError: null });
        Assert.Equal("/" + AcmeCluster.HostName, host.Key);
        Assert.Equal(RenewOutcome.NotFound, await cluster.Grain.RenewAsync("mail.page.test", Stop));

        await cluster.TenantGrain().PutDomainAsync("page.test", new DomainSettings(null, null), Stop);
        Assert.Equal(RenewOutcome.Begun, await cluster.Grain.RenewAsync(null, Stop));
        Assert.Equal(["mail.page.test", "mta-sts.page.test"], (await UntilAsync("mail.page.test", state => state.NotAfter is not null)).Names);

        Assert.Equal(RenewOutcome.Begun, await cluster.Grain.RenewAsync("mta-sts.page.test", Stop));
        var first = (await cluster.Grain.ListAsync(null, 1, Stop)).Certificates.Single();
        var rest = await cluster.Grain.ListAsync(first.Key, CertificatePage.MaxLimit, Stop);
        Assert.Equal((host.Key, "tenant/page.test", null), (first.Key, rest.Certificates.Single().Key, rest.Next));
        await UntilIssuedAsync(new("tenant", "page.test"), 2);
        Assert.Empty((await cluster.Grain.LookAsync(Stop)).Failing);
    }

    private async Task UntilIssuedAsync(Gateways.Acme.CertificateKey key, int times)
    {
        using var limit = new CancellationTokenSource(Limit);
        while ((await cluster.Rows.FindAsync(key, limit.Token))!.Record.Issued.Count < times)
        {
            await Task.Delay(LookAgain, limit.Token);
        }
    }

    private async Task<CertificateState> UntilAsync(string name, Func<CertificateState, bool> isSo)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            var page = await cluster.Grain.ListAsync(null, CertificatePage.MaxLimit, limit.Token);
            if (page.Certificates.FirstOrDefault(state => state.Names.Contains(name)) is { } found && isSo(found))
            {
                return found;
            }

            await Task.Delay(LookAgain, limit.Token);
        }
    }
}
