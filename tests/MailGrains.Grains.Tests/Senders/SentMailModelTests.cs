using CsCheck;
using MailGrains.Contracts.Senders;
using MailGrains.Grains.Senders;

namespace MailGrains.Grains.Tests.Senders;

/// <summary>The counting in buckets against a list of all that was sent, with its times.</summary>
public sealed class SentMailModelTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 11, 59, 30, TimeSpan.Zero);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static readonly Gen<TimeSpan> Wait = Gen.Frequency(
        (6, Gen.Int[0, 600].Select(seconds => TimeSpan.FromSeconds(seconds))),
        (2, Gen.Int[0, 7_200].Select(seconds => TimeSpan.FromSeconds(seconds))),
        (1, Gen.Int[0, 100_000].Select(seconds => TimeSpan.FromSeconds(seconds))));

    private static readonly Gen<Step> Steps = Gen.Select(
        Wait, Gen.Int[0, 12], Gen.Frequency((8, Gen.Const(Deed.Send)), (1, Gen.Const(Deed.SendAndGiveBack)), (1, Gen.Const(Deed.Restart))),
        (wait, recipients, deed) => new Step(wait, recipients, deed));

    private static readonly Gen<SendingLimits> Limits = Gen.Select(
        Gen.Int[0, 8], Gen.Int[0, 30], Gen.Int[0, 40], Gen.Int[0, 120], (mh, md, rh, rd) => new SendingLimits(mh, md, rh, rd));

    private enum Deed
    {
        Send,
        SendAndGiveBack,
        Restart,
    }

    [Fact]
    public void NoWindowHasMoreThanTheLimitAndNothingIsRefusedMuchLonger() =>
        Gen.Select(Limits, Steps.List[1, 120]).Sample((limits, steps) => Run(limits, steps), iter: 1_000);

    private static void Run(SendingLimits limits, List<Step> steps)
    {
        var (sent, list, now) = (new SentMail(), new List<(DateTimeOffset At, int Recipients)>(), Start);
        foreach (var step in steps)
        {
            now += step.Wait;
            if (step.Deed == Deed.Restart)
            {
                sent = SentMail.Restore(sent.Store(), now);
            }

            var grant = sent.TryTake(step.Recipients, limits, now);
            if (grant.Allowed)
            {
                Assert.True(Fits(list, step.Recipients, limits, now, TimeSpan.Zero, TimeSpan.Zero), "More than a limit was let through.");
                list.Add((now, step.Recipients));
                if (step.Deed == Deed.SendAndGiveBack)
                {
                    sent.GiveBack(step.Recipients, now);
                    list.RemoveAt(list.Count - 1);
                }
            }
            else
            {
                Assert.False(
                    Fits(list, step.Recipients, limits, now, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(15)),
                    "It was refused though a bucket more than the window had room.");
                AssertRetry(grant, sent.Store(), step.Recipients, limits, now);
            }

            var usage = sent.Usage(limits, now);
            Assert.InRange(usage.MessagesThisHour, Within(list, now, Hour).Count(), Within(list, now, Hour + TimeSpan.FromMinutes(1)).Count());
            Assert.InRange(
                usage.RecipientsThisDay, Within(list, now, Day).Sum(m => m.Recipients), Within(list, now, Day + TimeSpan.FromMinutes(15)).Sum(m => m.Recipients));
        }
    }

    /// <summary>At the time that was said it is granted, and not a moment before; where none was said, never.</summary>
    private static void AssertRetry(SendGrant grant, SentRecord stored, int recipients, SendingLimits limits, DateTimeOffset now)
    {
        Assert.NotNull(grant.Limit);
        if (grant.RetryAfter == TimeSpan.Zero)
        {
            Assert.False(new SentMail().TryTake(recipients, limits, now).Allowed);
            return;
        }

        var later = now + grant.RetryAfter;
        Assert.True(SentMail.Restore(stored, later).TryTake(recipients, limits, later).Allowed);
        var before = later - TimeSpan.FromTicks(1);
        Assert.False(SentMail.Restore(stored, before).TryTake(recipients, limits, before).Allowed);
    }

    private static bool Fits(
        List<(DateTimeOffset At, int Recipients)> list, int recipients, SendingLimits limits, DateTimeOffset now, TimeSpan hourMore, TimeSpan dayMore)
    {
        var (hour, day) = (Within(list, now, Hour + hourMore).ToList(), Within(list, now, Day + dayMore).ToList());
        return hour.Count < limits.MessagesPerHour && day.Count < limits.MessagesPerDay &&
            hour.Sum(m => m.Recipients) + recipients <= limits.RecipientsPerHour && day.Sum(m => m.Recipients) + recipients <= limits.RecipientsPerDay;
    }

    private static IEnumerable<(DateTimeOffset At, int Recipients)> Within(
        List<(DateTimeOffset At, int Recipients)> list, DateTimeOffset now, TimeSpan window) => list.Where(message => message.At > now - window);

    private sealed record Step(TimeSpan Wait, int Recipients, Deed Deed);
}
