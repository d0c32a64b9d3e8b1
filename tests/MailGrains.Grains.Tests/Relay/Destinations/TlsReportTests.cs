using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Grains.Tests.Relay.Destinations;

public sealed class TlsReportTests : IClassFixture<StoreFixture>, IAsyncDisposable
{
    private static readonly TlsPolicy Sts = new(TlsPolicyType.Sts, "one.test", ["version: STSv1", "mode: testing", "mx: mx.one.test", "max_age: 86400"]);

    // Each test has days of its own, before those of the tests before it: nothing of theirs is too old to it.
    private static int _years = 1000;

    private readonly LookupHarness _to = new();
    private readonly TlsReportTable _table;
    private readonly TlsReportWriter _writer;

    public TlsReportTests(StoreFixture store)
    {
        _to.UseStore(store);
        _to.Time.SetUtcNow(new DateTimeOffset(_to.Time.GetUtcNow().Year + Interlocked.Decrement(ref _years), 3, 1, 12, 0, 0, TimeSpan.Zero));
        _table = new TlsReportTable(_to.Accounts);
        _writer = Writer(_table);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private DateOnly Today => DateOnly.FromDateTime(_to.Time.GetUtcNow().UtcDateTime);

    public async ValueTask DisposeAsync()
    {
        _writer.Dispose();
        await _to.DisposeAsync();
    }

    private TlsReportWriter Writer(TlsReportTable table) =>
        new(_to.Reports, table, new DestinationOptions(), _to.Time, NullLogger<TlsReportWriter>.Instance);

    private async Task<string> ReadAsync(DateOnly day) => string.Join('\n', (await _table.ReadAsync(day, Cancel).ToListAsync(Cancel)).Select(count =>
        $"{count.Domain} {count.Policy.Type} {count.Successes}" +
        string.Concat(count.Failures.Select(f => $" {f.Result.ReportName()}/{f.Host}/{f.Reason}/{f.Sessions}"))));

    [Fact]
    public async Task ResultsAreCountedByDomainAndPolicyAndWrittenWhole()
    {
        _to.Reports.Succeeded("one.test", Sts);
        _to.Reports.Succeeded("two.test", TlsPolicy.None);
        _to.Reports.Failed("one.test", Sts, TlsResultType.CertificateExpired, "mx.one.test", null);
        await _writer.WriteAsync(Cancel);
        _to.Reports.Succeeded("one.test", Sts);
        _to.Reports.Failed("one.test", Sts, TlsResultType.CertificateExpired, "mx.one.test", null);
        _to.Reports.Failed("one.test", Sts, TlsResultType.ValidationFailure, "mx.one.test", "it\r\nfailed");
        _to.Reports.Failed("[192.0.2.1]", TlsPolicy.None, TlsResultType.StartTlsNotSupported, null, null);
        await _writer.WriteAsync(Cancel);

        Assert.Equal(
            """
            one.test Sts 2 certificate-expired/mx.one.test//2 validation-failure/mx.one.test/it\u000D\u000Afailed/1
            two.test NoPolicyFound 1
            """.ReplaceLineEndings("\n"),
            await ReadAsync(Today));
        Assert.Equal(Sts.Lines, (await _table.ReadAsync(Today, Cancel).FirstAsync(Cancel)).Policy.Lines);
    }

    [Fact]
    public async Task WhatHasNotChangedIsNotWrittenAgain()
    {
        _to.Reports.Succeeded("one.test", Sts);
        await _writer.WriteAsync(Cancel);
        var commits = _to.Tables!.Commits;

        await _writer.WriteAsync(Cancel);

        Assert.Equal(commits, _to.Tables.Commits);
    }

    [Theory]
    [InlineData(CommitFault.LostBefore)]
    [InlineData(CommitFault.LostAfter)]
    [InlineData(CommitFault.Unavailable)]
    public async Task WhatCouldNotBeWrittenIsWrittenTheNextTimeAndCountsOnce(CommitFault fault)
    {
        _to.Reports.Succeeded("one.test", Sts);
        _to.Tables!.Fail(fault);
        await _writer.WriteAsync(Cancel);
        await _writer.WriteAsync(Cancel);

        Assert.Equal("one.test Sts 1", await ReadAsync(Today));
    }

    [Fact]
    public async Task ADayEndsAtMidnightOfUtc()
    {
        var first = Today;
        _to.Reports.Succeeded("one.test", Sts);
        _to.Time.Advance(TimeSpan.FromHours(12));
        _to.Reports.Failed("one.test", Sts, TlsResultType.StartTlsNotSupported, "mx.one.test", null);
        await _writer.WriteAsync(Cancel);

        Assert.Equal("one.test Sts 1", await ReadAsync(first));
        Assert.Equal("one.test Sts 0 starttls-not-supported/mx.one.test//1", await ReadAsync(first.AddDays(1)));
    }

    [Fact]
    public async Task TwoSilosKeepCountsOfTheirOwn()
    {
        using var other = Writer(new TlsReportTable(_to.Accounts));
        _to.Reports.Succeeded("one.test", Sts);
        await _writer.WriteAsync(Cancel);
        _to.Reports.Succeeded("one.test", Sts);
        await other.WriteAsync(Cancel);

        Assert.Equal(2, (await _table.ReadAsync(Today, Cancel).ToListAsync(Cancel)).Count);
    }

    [Fact]
    public async Task OldDaysAreDeleted()
    {
        var first = Today;
        for (var i = 0; i < 60; i++)
        {
            _to.Reports.Succeeded($"{i}.test", TlsPolicy.None);
        }

        await _writer.WriteAsync(Cancel);
        _to.Time.Advance(TimeSpan.FromDays(14));
        await _writer.WriteAsync(Cancel);
        Assert.NotEmpty(await ReadAsync(first));

        _to.Time.Advance(TimeSpan.FromDays(1));
        await _writer.WriteAsync(Cancel);
        Assert.Empty(await ReadAsync(first));
    }

    [Fact]
    public async Task TheyAreWrittenEveryTenMinutesAndAtTheEnd()
    {
        await _writer.StartAsync(Cancel);
        _to.Reports.Succeeded("one.test", Sts);
        await _writer.StopAsync(Cancel);

        Assert.Equal("one.test Sts 1", await ReadAsync(Today));
    }

    [Fact]
    public void ManyKindsOfFailuresCountTogether()
    {
        for (var i = 0; i < 100; i++)
        {
            _to.Reports.Failed("one.test", Sts, TlsResultType.ValidationFailure, $"mx{i}.test", new string('x', 1000));
        }

        var failures = Assert.Single(_to.Reports.TakeChanged()).Failures;

        Assert.Equal((21, 100, 80), (failures.Length, failures.Sum(f => f.Sessions), failures[^1].Sessions));
        Assert.All(failures, failure => Assert.True((failure.Reason ?? "").Length <= 100));
    }

    [Fact]
    public async Task TheLargestCountFitsIntoARow()
    {
        var longName = string.Join('.', Enumerable.Repeat(new string('a', 60), 4));
        var policy = new TlsPolicy(TlsPolicyType.Sts, longName, [.. Enumerable.Repeat("mx: *." + longName, 67)]);
        for (var i = 0; i < 30; i++)
        {
            _to.Reports.Failed(longName, policy, TlsResultType.ValidationFailure, $"{i}{longName}", new string('"', 1000));
        }

        await _writer.WriteAsync(Cancel);

        Assert.Single(await _table.ReadAsync(Today, Cancel).ToListAsync(Cancel));
    }
}
