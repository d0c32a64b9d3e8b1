using MailGrains.Contracts.Certificates;
using MailGrains.Gateways.Acme;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Gateways.Tests.Acme;

public sealed class CertificateStartTests
{
    private static readonly TimeSpan StartAfter = TimeSpan.FromMinutes(3);

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
        }

        Assert.True(await started.Task - began >= StartAfter);
        await start.StopAsync(TestContext.Current.CancellationToken);
    }
}
