using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Acme;
using MailGrains.Storage.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class CertificateRunTests(AcmeCluster cluster) : IClassFixture<AcmeCluster>
{
    private const string Elsewhere = "127.0.0.99";

    private static readonly CertificateKey Host = new("", AcmeCluster.HostName);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_and_tenants_names_that_lead_here_get_a_certificate_each_and_no_other_name_does()
    {
        await PutDomainAsync("both.test");
        await PutDomainAsync("one.test");
        await PutDomainAsync("none.test");
        await cluster.Pebble.PointAsync("mta-sts.one.test", Elsewhere, Stop);
        await cluster.Pebble.PointAsync("mail.none.test", Elsewhere, Stop);
        await cluster.Pebble.PointAsync("mta-sts.none.test", Elsewhere, Stop);

        await cluster.RunAsync();

        Assert.Equal([AcmeCluster.HostName], (await FindAsync(Host))!.Names);
        Assert.Equal(["mail.both.test", "mta-sts.both.test"], (await FindAsync(Of("both.test")))!.Names);
        Assert.Equal(["mail.one.test"], (await FindAsync(Of("one.test")))!.Names);
        Assert.Null(await FindAsync(Of("none.test")));
        Assert.Empty(await cluster.Services.GetRequiredService<CertificateParts>().Challenges.ReadAsync(Stop));
    }

    [Fact]
    public async Task A_second_run_orders_nothing_anew_but_what_an_operator_wants()
    {
        await cluster.RunAsync();
        var former = await FindAsync(Host);
        await cluster.RunAsync();
        Assert.Equal(former!.Chain, (await FindAsync(Host))!.Chain);

        await cluster.RunAsync(Host);

        Assert.NotEqual(former.Chain, (await FindAsync(Host))!.Chain);
    }

    [Fact]
    public async Task A_name_that_leads_here_later_is_added()
    {
        await PutDomainAsync("later.test");
        await cluster.Pebble.PointAsync("mta-sts.later.test", Elsewhere, Stop);
        await cluster.RunAsync();
        Assert.Equal(["mail.later.test"], (await FindAsync(Of("later.test")))!.Names);

        await cluster.Pebble.PointAsync("mta-sts.later.test", "127.0.0.1", Stop);
        await cluster.RunAsync();

        Assert.Equal(["mail.later.test", "mta-sts.later.test"], (await FindAsync(Of("later.test")))!.Names);
    }

    [Fact]
    public async Task A_deleted_domains_certificate_goes_and_processes_hear_of_it()
    {
        var certificates = new OrderedCertificates(cluster.Accounts, SecretSeal.None, NullLogger<OrderedCertificates>.Instance);
        await PutDomainAsync("gone.test");
        await cluster.RunAsync();
        Assert.True(await certificates.RefreshAsync(Stop));
        Assert.False(await certificates.RefreshAsync(Stop));
        Assert.Contains(certificates.Current, c => c.Names.Contains("mail.gone.test"));

        Assert.Equal(DeleteOutcome.Deleted, await cluster.TenantGrain().DeleteDomainAsync("gone.test", Stop));
        await cluster.RunAsync();

        Assert.Null(await FindAsync(Of("gone.test")));
        Assert.True(await certificates.RefreshAsync(Stop));
        Assert.DoesNotContain(certificates.Current, c => c.Names.Contains("mail.gone.test"));
    }

    [Fact]
    public async Task A_name_that_another_tenant_hosts_as_a_domain_is_not_in_the_certificate()
    {
        await PutDomainAsync("shared.test");
        await cluster.TenantGrain("other").PutAsync(new TenantSettings(null), Stop);
        await cluster.TenantGrain("other").PutDomainAsync("mail.shared.test", new DomainSettings(null, null), Stop);

        await cluster.RunAsync();

        Assert.Equal(["mta-sts.shared.test"], (await FindAsync(Of("shared.test")))!.Names);
        Assert.Equal(["mail.mail.shared.test", "mta-sts.mail.shared.test"], (await FindAsync(new CertificateKey("other", "mail.shared.test")))!.Names);
    }

    [Fact]
    public async Task Two_activations_at_a_time_come_to_one_certificate()
    {
        await PutDomainAsync("twice.test");
        using var one = cluster.NewRun();
        using var other = cluster.NewRun();

        await Task.WhenAll(AcmeCluster.RunAsync(one, cluster.NewWalk(), Stop), AcmeCluster.RunAsync(other, cluster.NewWalk(), Stop));

        Assert.Single((await FindAsync(Of("twice.test")))!.Issued);
    }

    [Fact]
    public async Task An_authority_that_does_not_answer_leaves_what_there_is_and_a_reason()
    {
        await cluster.RunAsync();
        var former = await FindAsync(Host);
        using var run = new CertificateRun(
            Parts(options => options with { Directory = new Uri("https://127.0.0.1:1/dir") }), cluster.Services.GetRequiredService<IGrainFactory>(), TimeProvider.System, NullLogger<CertificateGrain>.Instance, new HashSet<CertificateKey> { Host });

        await AcmeCluster.RunAsync(run, null, Stop);

        var failed = await FindAsync(Host);
        Assert.Equal(former!.Chain, failed!.Chain);
        Assert.Contains("127.0.0.1", failed.LastError, StringComparison.Ordinal);
        Assert.NotNull(failed.FailingSince);
        await cluster.RunAsync(Host);
        Assert.Null((await FindAsync(Host))!.FailingSince);
    }

    [Fact]
    public async Task A_walk_that_is_left_goes_on_where_it_was_and_sees_each_domain_once()
    {
        string[] domains = ["a.walk.test", "b.walk.test", "c.walk.test"];
        var tenant = cluster.TenantGrain("walk");
        await tenant.PutAsync(new TenantSettings(null), Stop);
        foreach (var domain in domains)
        {
            await tenant.PutDomainAsync(domain, new DomainSettings(null, null), Stop);
            await cluster.Pebble.PointAsync("mail." + domain, Elsewhere, Stop);
            await cluster.Pebble.PointAsync("mta-sts." + domain, Elsewhere, Stop);
        }

        var walk = cluster.NewWalk();
        var seen = new List<CertificateKey>();
        while (!walk.IsComplete)
        {
            await foreach (var key in walk.GoOnAsync(Stop))
            {
                seen.Add(key);
                break;
            }
        }

        Assert.Equal(domains, seen.Where(key => key.Tenant == "walk").Select(key => key.Name));
        Assert.Equal(seen.Count, walk.Seen.Count);
    }

    [Fact]
    public async Task A_row_that_can_not_be_read_holds_up_no_other_and_is_never_written()
    {
        var later = Of("format.test");
        await PutDomainAsync(later.Name);
        await PutDomainAsync("after.test");
        var row = await cluster.Rows.TryWriteAsync(null, later, new CertificateRecord { Format = 2, Names = ["mail.format.test"] }, Stop);

        using var run = cluster.NewRun(later);
        await AcmeCluster.RunAsync(run, cluster.NewWalk(), Stop);

        Assert.NotNull((await FindAsync(Of("after.test")))!.Chain);
        Assert.Equal(row!.Row.ETag, (await new SecretRows(cluster.Accounts, SecretSeal.None, "certificates").FindAsync(later.ToString(), Stop))!.ETag);
        Assert.Contains(run.Seen, listed => listed.Key == later && listed.Stored is null);
        Assert.Contains(later, run.Settled);
    }

    [Fact]
    public async Task Another_authority_issues_anew_what_the_former_one_did()
    {
        await PutDomainAsync("moved.test");
        await cluster.RunAsync();
        var stored = await cluster.Rows.FindAsync(Of("moved.test"), Stop);
        await cluster.Rows.TryWriteAsync(stored, stored!.Key, stored.Record with { Directory = "https://former.test/dir" }, Stop);

        await cluster.RunAsync();

        var anew = await FindAsync(Of("moved.test"));
        Assert.NotEqual(stored.Record.Chain, anew!.Chain);
        Assert.Equal(cluster.Pebble.Directory.OriginalString, anew.Directory);
        await cluster.RunAsync();
        Assert.Equal(anew.Chain, (await FindAsync(Of("moved.test")))!.Chain);
    }

    [Fact]
    public async Task A_name_that_is_not_configured_any_more_goes_at_its_end_or_at_once_where_nothing_was_issued()
    {
        var (now, failing) = (DateTimeOffset.UtcNow, new CertificateRecord { Names = ["x"], FailingSince = DateTimeOffset.UtcNow.AddDays(-2), Tries = 4 });
        var issued = failing with { Chain = "PEM", Key = "PEM", NotBefore = now.AddDays(-90), AskRenewalAt = now.AddDays(1) };
        await cluster.Rows.TryWriteAsync(null, new("", "never.hosting.test"), failing, Stop);
        await cluster.Rows.TryWriteAsync(null, new("", "ended.hosting.test"), issued with { NotAfter = now.AddDays(-1) }, Stop);
        await cluster.Rows.TryWriteAsync(null, new("", "lasting.hosting.test"), issued with { NotAfter = now.AddDays(1) }, Stop);

        await cluster.RunAsync();

        Assert.Null(await FindAsync(new("", "never.hosting.test")));
        Assert.Null(await FindAsync(new("", "ended.hosting.test")));
        Assert.NotNull(await FindAsync(new("", "lasting.hosting.test")));
    }

    [Fact]
    public async Task What_failed_for_a_tenant_whose_names_lead_elsewhere_now_fails_no_more()
    {
        var (now, failing) = (DateTimeOffset.UtcNow, new CertificateRecord { FailingSince = DateTimeOffset.UtcNow.AddDays(-2), LastError = "no", Tries = 4 });
        foreach (var domain in new[] { "never.left.test", "once.left.test" })
        {
            await PutDomainAsync(domain);
            await cluster.Pebble.PointAsync("mail." + domain, Elsewhere, Stop);
            await cluster.Pebble.PointAsync("mta-sts." + domain, Elsewhere, Stop);
        }

        var issued = failing with { Names = ["mail.once.left.test"], Chain = "PEM", Key = "PEM", NotBefore = now.AddDays(-80), NotAfter = now.AddDays(10), AskRenewalAt = now.AddDays(1) };
        await cluster.Rows.TryWriteAsync(null, Of("never.left.test"), failing with { Names = ["mail.never.left.test"] }, Stop);
        await cluster.Rows.TryWriteAsync(null, Of("once.left.test"), issued, Stop);

        await cluster.RunAsync();

        Assert.Null(await FindAsync(Of("never.left.test")));
        var left = await FindAsync(Of("once.left.test"));
        Assert.Equal((null, null, 0, "PEM"), (left!.FailingSince, left.LastError, left.Tries, left.Chain));
        Assert.False(RenewalSchedule.IsEnding(Of("once.left.test"), left, now));
    }

    [Fact]
    public async Task What_is_wanted_stays_so_until_its_order_has_begun()
    {
        await PutDomainAsync("wish.test");
        await cluster.RunAsync();
        using var full = new CertificateRun(
            Parts(options => options with { MaxOrders = 0 }), cluster.Services.GetRequiredService<IGrainFactory>(), TimeProvider.System,
            NullLogger<CertificateGrain>.Instance, new HashSet<CertificateKey> { Of("wish.test"), Of("unknown.test") });
        using var next = cluster.NewRun(Of("wish.test"));

        await AcmeCluster.RunAsync(full, null, Stop);
        await AcmeCluster.RunAsync(next, null, Stop);

        Assert.Equal([Of("unknown.test")], full.Settled.Intersect([Of("wish.test"), Of("unknown.test")]));
        Assert.Contains(Of("wish.test"), next.Settled);
    }

    [Fact]
    public async Task One_name_that_is_refused_does_not_hold_up_the_other_and_is_added_when_it_can_be()
    {
        var key = Of("half.test");
        await PutDomainAsync(key.Name);
        cluster.Unanswered["mta-sts.half.test"] = true;

        await cluster.RunAsync();

        var half = await cluster.Rows.FindAsync(key, Stop);
        Assert.Equal(["mail.half.test"], half!.Record.Names);
        Assert.NotNull(half.Record.Chain);
        Assert.NotNull(half.Record.FailingSince);
        Assert.Contains("mta-sts.half.test", half.Record.LastError, StringComparison.Ordinal);
        Assert.True(half.Record.NextTry > DateTimeOffset.UtcNow.AddMinutes(4));

        // Again in vain: the other has its certificate, and no second one is ordered.
        await cluster.Rows.TryWriteAsync(half, key, half.Record with { NextTry = default }, Stop);
        await cluster.RunAsync();
        half = await cluster.Rows.FindAsync(key, Stop);
        Assert.Single(half!.Record.Issued);

        cluster.Unanswered.Clear();
        await cluster.Rows.TryWriteAsync(half, key, half.Record with { NextTry = default }, Stop);
        await cluster.RunAsync();
        var whole = await FindAsync(key);
        Assert.Equal((null, null), (whole!.FailingSince, whole.LastError));
        Assert.Equal(["mail.half.test", "mta-sts.half.test"], whole.Names);
    }

    [Fact]
    public async Task A_limit_of_the_authority_puts_off_one_certificate_and_a_second_one_all()
    {
        var orders = 0;
        await using var authority = await OddAuthority.StartAsync(context =>
        {
            orders++;
            return OddAuthority.ProblemAsync(context, 429, "rateLimited", "too many");
        });
        var domains = new Dictionary<string, string[]?> { ["limited"] = ["a.limited.test", "b.limited.test", "c.limited.test", "d.limited.test"] };
        using var run = new CertificateRun(
            Parts(options => options with { Directory = authority.Directory, Names = [], Parallelism = 1 }), cluster.Services.GetRequiredService<IGrainFactory>(),
            TimeProvider.System, NullLogger<CertificateGrain>.Instance, new HashSet<CertificateKey>());

        await AcmeCluster.RunAsync(run, new DomainWalk(KnownTenants.Of(domains), NullLogger.Instance), Stop);

        Assert.Equal(2, orders);
        Assert.True(run.HasPutOff);
    }

    [Fact]
    public async Task A_walk_that_fails_holds_up_neither_renewals_nor_what_has_expired()
    {
        var now = DateTimeOffset.UtcNow;
        var ended = new CertificateRecord { Names = ["mail.ended.test"], Chain = "PEM", Key = "PEM", NotBefore = now.AddDays(-90), NotAfter = now.AddDays(-1), AskRenewalAt = now.AddDays(1), NextTry = now.AddHours(1) };
        await cluster.Rows.TryWriteAsync(null, Of("ended.test"), ended, Stop);
        using var run = cluster.NewRun(Host);

        await Assert.ThrowsAsync<TimeoutException>(() => AcmeCluster.RunAsync(
            run, new DomainWalk(KnownTenants.Of(new Dictionary<string, string[]?> { ["a"] = null, ["b"] = null, ["c"] = null }), NullLogger.Instance), Stop));

        Assert.Null(await FindAsync(Of("ended.test")));
        Assert.NotNull((await FindAsync(Host))!.Chain);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("..%2F..%2Fetc%2Fpasswd")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa$")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_token_that_nobody_published_is_not_found(string token)
    {
        using var http = new HttpClient();

        using var answer = await http.GetAsync(new Uri(cluster.Http, $"/.well-known/acme-challenge/{token}"), Stop);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private CertificateParts Parts(Func<AcmeOptions, AcmeOptions> change) => new(
        cluster.Accounts, SecretSeal.None, change(cluster.Services.GetRequiredService<AcmeOptions>()),
        cluster.Services.GetRequiredService<Messages.Dns.DnsResolver>(), cluster.Services.GetRequiredService<AcmeMetrics>(), TimeProvider.System);

    private static CertificateKey Of(string domain) => new(AcmeCluster.Tenant, domain);

    private async Task<CertificateRecord?> FindAsync(CertificateKey key) => (await cluster.Rows.FindAsync(key, Stop))?.Record;

    private async Task PutDomainAsync(string domain) =>
        Assert.Equal(PutStatus.Created, (await cluster.TenantGrain().PutDomainAsync(domain, new DomainSettings(null, null), Stop)).Status);
}
