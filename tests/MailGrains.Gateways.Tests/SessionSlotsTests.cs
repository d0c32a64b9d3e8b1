namespace MailGrains.Gateways.Tests;

public sealed class SessionSlotsTests
{
    [Fact]
    public void OneMoreThanMayBeIsRefusedUntilAnotherEnds()
    {
        var slots = new SessionSlots(new GatewayOptions { HostName = "mx.test", MaxSessions = 2 });

        Assert.True(slots.TryTake());
        Assert.True(slots.TryTake());
        Assert.False(slots.TryTake());
        Assert.False(slots.TryTake());
        slots.Release();
        Assert.True(slots.TryTake());
        Assert.False(slots.TryTake());
    }
}
