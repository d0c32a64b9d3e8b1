using MailGrains.Contracts.Senders;
using MailGrains.Grains.Senders;

namespace MailGrains.Grains.Tests.Senders;

public sealed class SentMailTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void ManyRecipientsAreANumberLikeAnother()
    {
        var all = new SendingLimits(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue);
        var sent = new SentMail();
        Assert.True(sent.TryTake(int.MaxValue, all, Noon).Allowed);
        Assert.Equal(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(15), sent.TryTake(int.MaxValue, all, Noon).RetryAfter);
        Assert.Equal(new SendingUsage(1, 1, int.MaxValue, int.MaxValue, all), sent.Usage(all, Noon));
        sent.GiveBack(int.MaxValue, Noon);
        sent.GiveBack(int.MaxValue, Noon);
        Assert.Equal(new SendingUsage(0, 0, 0, 0, all), sent.Usage(all, Noon));
        Assert.Throws<ArgumentOutOfRangeException>(() => sent.TryTake(-1, all, Noon));
        Assert.Throws<ArgumentOutOfRangeException>(() => sent.GiveBack(-1, Noon));
    }

    [Theory]
    [InlineData(0, 9, 9, 9, "0 messages an hour")]
    [InlineData(9, 0, 9, 9, "0 messages a day")]
    [InlineData(9, 9, 1, 9, "1 recipient an hour")]
    [InlineData(9, 9, 9, -1, "-1 recipients a day")]
    public void WhatNeverFitsIsNotToBeRepeated(int messagesHour, int messagesDay, int recipientsHour, int recipientsDay, string limit)
    {
        var grant = new SentMail().TryTake(2, new SendingLimits(messagesHour, messagesDay, recipientsHour, recipientsDay), Noon);
        Assert.Equal(new SendGrant(false, TimeSpan.Zero, limit), grant);
    }

    [Fact]
    public void TheLimitThatLastsLongestIsNamed()
    {
        var limits = new SendingLimits(1, 1_000, 1_000, 1);
        var sent = new SentMail();
        Assert.True(sent.TryTake(1, limits, Noon).Allowed);
        Assert.Equal(new SendGrant(false, new TimeSpan(24, 15, 0), "1 recipient a day"), sent.TryTake(1, limits, Noon));
        Assert.Equal(new SendGrant(false, new TimeSpan(1, 1, 0), "1 message an hour"), sent.TryTake(0, limits, Noon));
    }

    [Fact]
    public void AClockThatIsSetBackForgetsNothingOfTheWindow()
    {
        var limits = new SendingLimits(1, 10, 10, 10);
        var sent = new SentMail();
        Assert.True(sent.TryTake(1, limits, Noon).Allowed);
        Assert.False(sent.TryTake(1, limits, Noon - TimeSpan.FromMinutes(30)).Allowed);
        Assert.False(SentMail.Restore(sent.Store(), Noon - TimeSpan.FromMinutes(30)).TryTake(1, limits, Noon).Allowed);

        // A year ahead was wrong, and must not lock the account for a year.
        Assert.True(sent.TryTake(1, limits, Noon.AddYears(1)).Allowed);
        Assert.True(sent.TryTake(1, limits, Noon).Allowed);
        Assert.True(SentMail.Restore(sent.Store(), Noon.AddYears(-1)).TryTake(1, limits, Noon.AddYears(-1)).Allowed);
    }
}
