using System.Net;
using MailGrains.Gateways.Connections;
using Microsoft.Extensions.Time.Testing;
using static MailGrains.Gateways.Tests.Connections.Peers;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class AddressBudgetsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void AnAddressHasSoManyConnectionsAndOneMoreWhenAnotherEnds()
    {
        var budgets = Budgets(new AddressLimits { Connections = 2 });
        var peer = Peer("192.0.2.1");

        Assert.Null(budgets.TryOpen(peer));
        Assert.Null(budgets.TryOpen(peer));
        Assert.Equal("Too many open connections from your address", budgets.TryOpen(peer));
        Assert.Null(budgets.TryOpen(Peer("192.0.2.2")));
        budgets.Close(peer);
        Assert.Null(budgets.TryOpen(peer));
        Assert.NotNull(budgets.TryOpen(peer));
    }

    [Fact]
    public void NewConnectionsComeBackByTheMinute()
    {
        var budgets = Budgets(new AddressLimits { NewConnectionsPerMinute = 2 });
        var peer = Peer("192.0.2.1");

        Assert.True(OpensAndCloses(budgets, peer));
        Assert.True(OpensAndCloses(budgets, peer));
        Assert.False(OpensAndCloses(budgets, peer));
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.False(OpensAndCloses(budgets, peer));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(OpensAndCloses(budgets, peer));
        Assert.False(OpensAndCloses(budgets, peer));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(OpensAndCloses(budgets, peer));
        Assert.True(OpensAndCloses(budgets, peer));
        Assert.False(OpensAndCloses(budgets, peer));
    }

    [Theory]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("0.0.0.1", "0:0:0:1::", false)]
    public void ANetworkOf64BitsOfIPv6IsOneAddress(string first, string second, bool same)
    {
        var budgets = Budgets(new AddressLimits { Connections = 1 });

        Assert.Null(budgets.TryOpen(Peer(first)));

        Assert.Equal(same, budgets.TryOpen(Peer(second)) is not null);
    }

    [Fact]
    public void MessagesRecipientsAndFailuresAreCountedApart()
    {
        var budgets = Budgets(new AddressLimits { MessagesPerMinute = 1, RecipientsPerMinute = 2, FailedRecipientsPerMinute = 3 });
        var peer = Peer("192.0.2.1");

        Assert.Equal(1, Count(() => budgets.TryTakeMessage(peer)));
        Assert.Equal(2, Count(() => budgets.TryTakeRecipient(peer)));
        Assert.Equal(3, Count(() => budgets.TryTakeFailedRecipient(peer)));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, Count(() => budgets.TryTakeMessage(peer)));
        Assert.Equal(2, Count(() => budgets.TryTakeRecipient(peer)));
        Assert.Equal(3, Count(() => budgets.TryTakeFailedRecipient(peer)));
    }

    [Fact]
    public void ZeroIsNoLimit()
    {
        var budgets = Budgets(new AddressLimits { Connections = 0, NewConnectionsPerMinute = 0, MessagesPerMinute = 0 });
        var peer = Peer("192.0.2.1");

        Assert.All(Enumerable.Range(0, 1_000), _ => Assert.True(budgets.TryOpen(peer) is null && budgets.TryTakeMessage(peer)));
    }

    [Fact]
    public void ATrustedAddressHasNoBudget()
    {
        var budgets = Budgets(new AddressLimits { Connections = 1, MessagesPerMinute = 1, RecipientsPerMinute = 1, FailedRecipientsPerMinute = 1 });
        var peer = Peer("127.0.0.2", new ConnectionOptions());

        Assert.All(Enumerable.Range(0, 10), _ => Assert.True(
            budgets.TryOpen(peer) is null && budgets.TryTakeMessage(peer) && budgets.TryTakeRecipient(peer) && budgets.TryTakeFailedRecipient(peer)));
        Assert.Equal(0, budgets.Count);
    }

    [Fact]
    public void TheTableIsBoundedAndThoseThatAreConnectedStayInIt()
    {
        var budgets = Budgets(new AddressLimits { Connections = 1 });
        var connected = Peer("192.0.2.1");
        Assert.Null(budgets.TryOpen(connected));

        for (var i = 0u; i < AddressBudgets.MaxAddresses + 10; i++)
        {
            Assert.True(OpensAndCloses(budgets, Peer(new IPAddress(0x0A00_0000 + (long)i).ToString())));
        }

        Assert.Equal(AddressBudgets.MaxAddresses, budgets.Count);
        Assert.NotNull(budgets.TryOpen(connected));
    }

    [Fact]
    public void OneLineAMinuteAndAddressIsLoggedHoweverManyAreRefused()
    {
        var budgets = Budgets(new AddressLimits());
        var peer = Peer("192.0.2.1");

        Assert.Equal(1, budgets.TakeLogLine(peer));
        Assert.Equal(0, budgets.TakeLogLine(peer));
        Assert.Equal(0, budgets.TakeLogLine(peer));
        Assert.Equal(1, budgets.TakeLogLine(Peer("192.0.2.2")));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(3, budgets.TakeLogLine(peer));
    }

    private static bool OpensAndCloses(AddressBudgets budgets, PeerFacts peer)
    {
        if (budgets.TryOpen(peer) is not null)
        {
            return false;
        }

        budgets.Close(peer);
        return true;
    }

    private static int Count(Func<bool> take)
    {
        var count = 0;
        while (count < 100 && take())
        {
            count++;
        }

        return count;
    }

    private AddressBudgets Budgets(AddressLimits limits) => new(new ConnectionOptions { Limits = limits }, _time);
}
