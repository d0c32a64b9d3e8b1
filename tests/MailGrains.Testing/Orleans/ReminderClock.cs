namespace MailGrains.Testing.Orleans;

/// <summary>
/// A test's clock for Orleans' reminders. They wait until a time, and wait anew for what is left when they are woken early; <see cref="Task.Delay(TimeSpan)"/> cuts
/// fractions of a millisecond off, and on a clock that stands still while it wakes them they would do so for ever. Here no timer is early.
/// </summary>
public sealed class ReminderClock(TimeProvider clock) : TimeProvider
{
    private static readonly TimeSpan Fraction = TimeSpan.FromMilliseconds(1);

    public override long TimestampFrequency => clock.TimestampFrequency;

    public override TimeZoneInfo LocalTimeZone => clock.LocalTimeZone;

    public override DateTimeOffset GetUtcNow() => clock.GetUtcNow();

    public override long GetTimestamp() => clock.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        clock.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime + Fraction : dueTime, period);
}
