using MailGrains.Contracts.Queues;
using MailGrains.Grains.Alarms;
using MailGrains.Grains.Relay;
using MailGrains.Testing.Orleans;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests.Alarms;

public sealed class AlarmWatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_look_that_fails_in_whatever_way_is_followed_by_the_next()
    {
        var time = new FakeTimeProvider();
        var began = time.GetUtcNow();
        var looks = 0;
        var again = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var grain = Answering.Make<IQueueWatchGrain>(_ =>
        {
            if (Interlocked.Increment(ref looks) > 1)
            {
                again.TrySetResult();
            }

            return new ValueTask<QueueWatch>(Task.FromException<QueueWatch>(new InvalidCastException("odd")));
        });
        using var watch = new AlarmWatch(Answering.Make<IGrainFactory>(_ => grain), [], time, NullLogger<AlarmWatch>.Instance);

        await watch.StartAsync(Cancel);
        while (await Task.WhenAny(again.Task, Task.Delay(1, Cancel)) != again.Task)
        {
            time.Advance(TimeSpan.FromSeconds(10));
            Assert.True(time.GetUtcNow() - began < TimeSpan.FromDays(1), $"There were {looks} looks.");
        }

        Assert.False(watch.ExecuteTask!.IsCompleted);
        await watch.StopAsync(Cancel);
    }

    [Fact]
    public void AnAlarmOfTheSenderIsOneLineWhenItComesAndOneWhenItGoes()
    {
        using var lines = new LoggedLines();
        using var loggers = new LoggerFactory([lines]);
        var time = new FakeTimeProvider();
        var alarms = new RelayAlarms(time);
        using var watch = new AlarmWatch(null!, [alarms], time, loggers.CreateLogger<AlarmWatch>());

        watch.Tell();
        Assert.Empty(lines.Lines);
        alarms.LoggedIn("smart.test", "535 5.7.8 wrong\r\nlie");
        watch.Tell();
        watch.Tell();
        var raised = Assert.Single(lines.Lines);
        Assert.Contains("LoginRefused smart.test: 535 5.7.8 wrong", raised, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', raised);

        alarms.LoggedIn("smart.test", null);
        watch.Tell();
        watch.Tell();
        Assert.Equal(2, lines.Lines.Count);
        Assert.Contains("LoginRefused smart.test is over", lines.Lines.Last(), StringComparison.Ordinal);
    }
}
