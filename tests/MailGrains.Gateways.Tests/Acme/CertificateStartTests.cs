using MailGrains.Contracts.Certificates;
using MailGrains.Gateways.Acme;
using MailGrains.Testing.Orleans;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class CertificateStartTests
{
    private static readonly TimeSpan StartAfter = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Latest = TimeSpan.FromDays(1);

    [Fact]
    public async Task Nothing_is_ordered_before_the_authority_is_sent_here()
    {
        var time = new FakeTimeProvider();
        var began = time.GetUtcNow();
        var started = new TaskCompletionSource<DateTimeOffset>(TaskCreationOptions.RunContinuationsAsynchronously);
        var grain = Answering.Make<ICertificateGrain>(_ =>
        {
            started.TrySetResult(time.GetUtcNow());
            return ValueTask.CompletedTask;
        });
        using var start = new CertificateStart(
            Answering.Make<IGrainFactory>(_ => grain), new AcmeOptions { StartAfter = StartAfter }, time, NullLogger<CertificateStart>.Instance);

        await start.StartAsync(TestContext.Current.CancellationToken);
        while (await Task.WhenAny(started.Task, Task.Delay(1, TestContext.Current.CancellationToken)) != started.Task)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.True(time.GetUtcNow() - began < Latest, "Nothing is ever ordered.");
        }

        Assert.True(await started.Task - began >= StartAfter);
        await start.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_silo_that_goes_in_the_middle_of_the_call_is_no_failure()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var grain = Answering.Make<ICertificateGrain>(call => new ValueTask(FailAsync((CancellationToken)call.Arguments[^1]!)));
        using var start = new CertificateStart(
            Answering.Make<IGrainFactory>(_ => grain), new AcmeOptions(), TimeProvider.System, NullLogger<CertificateStart>.Instance);

        await start.StartAsync(TestContext.Current.CancellationToken);
        await asked.Task;
        await start.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(start.ExecuteTask!.IsCompletedSuccessfully);

        async Task FailAsync(CancellationToken stopping)
        {
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidOperationException("The silo has gone.");
        }
    }
}
