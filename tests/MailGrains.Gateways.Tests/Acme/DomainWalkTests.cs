using MailGrains.Gateways.Acme;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class DomainWalkTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_tenant_that_can_not_be_read_is_passed_over_and_the_log_says_so()
    {
        var log = new RecordedLog<DomainWalk>();
        var walk = new DomainWalk(KnownTenants.Of(new Dictionary<string, string[]?> { ["a"] = ["a.test"], ["b"] = null, ["c"] = ["c.test", "d.test"] }), log);

        var found = await walk.GoOnAsync(Stop).ToListAsync(Stop);

        Assert.Equal([new("a", "a.test"), new("c", "c.test"), new("c", "d.test")], found);
        Assert.Equal(["b"], walk.Unread);
        Assert.True(walk.IsComplete);
        Assert.Contains("tenant b", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_none_can_be_read_the_walk_ends_soon_and_goes_on_later_behind_them()
    {
        var tenants = Enumerable.Range(0, 9).ToDictionary(i => $"t{i}", string[]? (i) => i == 8 ? ["last.test"] : null);
        var walk = new DomainWalk(KnownTenants.Of(tenants), new RecordedLog<DomainWalk>());
        var failures = 0;
        while (!walk.IsComplete)
        {
            try
            {
                await walk.GoOnAsync(Stop).ToListAsync(Stop);
            }
            catch (TimeoutException)
            {
                failures++;
            }
        }

        Assert.InRange(failures, 1, 8);
        Assert.Equal(new CertificateKey("t8", "last.test"), Assert.Single(walk.Seen));
    }
}
