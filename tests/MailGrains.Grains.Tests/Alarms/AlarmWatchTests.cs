using MailGrains.Grains.Alarms;
using MailGrains.Grains.Relay;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests.Alarms;

public sealed class AlarmWatchTests
{
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
