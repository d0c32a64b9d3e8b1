using MailGrains.Gateways.Filters;
using MailGrains.Storage;
using MailGrains.Testing.Metrics;

namespace MailGrains.Gateways.Tests.Filters;

public sealed class PipelineTests
{
    private static readonly FilterLimits Short = TestFilters.Patient with { Timeout = TimeSpan.FromMilliseconds(50) };

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WithoutFiltersThereIsNoVerdict()
    {
        using var pipeline = TestFilters.Pipeline();

        Assert.True(pipeline.IsOff);
        Assert.Null(await pipeline.JudgeAsync(TestFilters.Message("x"), None));
    }

    [Fact]
    public async Task FiltersAreAskedAtOnce()
    {
        var (first, second) = (new TaskCompletionSource(), new TaskCompletionSource());
        using var pipeline = TestFilters.Pipeline(Waiting("a", first, second), Waiting("b", second, first));

        Assert.Equal(FilterAction.Accept, (await pipeline.JudgeAsync(TestFilters.Message("x"), None))!.Action);

        static ScriptedFilter Waiting(string name, TaskCompletionSource own, TaskCompletionSource other) => new(name, async (_, cancel) =>
        {
            own.SetResult();
            await other.Task.WaitAsync(cancel);
            return new FilterVerdict(FilterAction.Accept, name, "fine");
        });
    }

    [Theory]
    [InlineData(FilterAction.Accept, FilterAction.Accept)]
    [InlineData(FilterAction.Defer, FilterAction.Defer)]
    [InlineData(FilterAction.Reject, FilterAction.Defer)]
    [InlineData(FilterAction.Junk, FilterAction.Defer)]
    public async Task FilterThatTakesTooLongLeavesItToItsPolicyWhichNeverRefusesForGood(FilterAction onFailure, FilterAction expected)
    {
        var meters = new MeasuredMeters();
        using var pipeline = TestFilters.Pipeline(meters, Never(Short with { OnFailure = onFailure }));

        var verdict = (await pipeline.JudgeAsync(TestFilters.Message("x"), None))!;

        Assert.Equal(expected, verdict.Action);
        Assert.EndsWith("(failed: timeout)", verdict.ToString(), StringComparison.Ordinal);
        Assert.Equal(
            1, meters.Sum("mailgrains.filter.verdicts", $"action={expected.ToString().ToLowerInvariant()}", "failed=true", "filter=never"));
    }

    [Theory]
    [InlineData(typeof(IOException), "unreachable")]
    [InlineData(typeof(HttpRequestException), "unreachable")]
    [InlineData(typeof(InvalidOperationException), "error")]
    [InlineData(typeof(OperationCanceledException), "error")]
    public async Task WhateverAFilterThrowsIsAFailureOfThatFilter(Type exception, string reason)
    {
        using var pipeline = TestFilters.Pipeline(
            new ScriptedFilter("broken", (_, _) => throw (Exception)Activator.CreateInstance(exception)!), new ScriptedFilter("other", FilterAction.Junk));

        var verdict = (await pipeline.JudgeAsync(TestFilters.Message("x"), None))!;

        Assert.Equal($"defer; broken=defer (failed: {reason}); other=junk (told-so)", verdict.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StoreThatFailsWhileAFilterReadsIsNotTheFiltersFailure(bool wrapped)
    {
        var store = new StoreException(StoreFailure.Unavailable, "Busy.");
        using var pipeline = TestFilters.Pipeline(new ScriptedFilter(
            "open", (_, _) => throw (wrapped ? new HttpRequestException("copying", store) : store), TestFilters.Patient with { OnFailure = FilterAction.Accept }));

        var thrown = await Assert.ThrowsAsync<StoreException>(async () => await pipeline.JudgeAsync(TestFilters.Message("x"), None));

        Assert.Equal(StoreFailure.Unavailable, thrown.Failure);
    }

    [Fact]
    public async Task CallersEndIsNoVerdict()
    {
        using var ends = new CancellationTokenSource();
        using var pipeline = TestFilters.Pipeline(Never(TestFilters.Patient with { OnFailure = FilterAction.Accept }));

        var judging = pipeline.JudgeAsync(TestFilters.Message("x"), ends.Token);
        await ends.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await judging);
    }

    [Fact]
    public async Task MessageThatIsTooLargeForAFilterIsNotShownToIt()
    {
        using var pipeline = TestFilters.Pipeline(
            new ScriptedFilter("small", (_, _) => throw new InvalidOperationException(), TestFilters.Patient with { MaxBytes = 9 }));

        Assert.Equal(
            "accept; small=accept (too-large)", (await pipeline.JudgeAsync(TestFilters.Message("0123456789"), None))!.ToString());
        Assert.Equal(FilterAction.Defer, (await pipeline.JudgeAsync(TestFilters.Message("012345678"), None))!.Action);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UsersMailIsFilteredWhereThatIsConfigured(bool submission)
    {
        using var pipeline = new FilterPipeline(
            [new ScriptedFilter("a", FilterAction.Reject)], submission, new GatewayMetrics(new MeasuredMeters()), TimeProvider.System,
            new RecordedLog<FilterPipeline>());

        var verdict = await pipeline.JudgeAsync(TestFilters.Message("x") with { Login = "bob@example.test" }, None);

        Assert.Equal(submission ? FilterAction.Reject : null, verdict?.Action);
        Assert.Equal(FilterAction.Reject, (await pipeline.JudgeAsync(TestFilters.Message("x"), None))!.Action);
    }

    private static ScriptedFilter Never(FilterLimits limits) => new(
        "never",
        async (_, cancel) =>
        {
            await Task.Delay(Timeout.Infinite, cancel);
            throw new InvalidOperationException();
        },
        limits);
}
