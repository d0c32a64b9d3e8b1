using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Smtp;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>One message for two mailboxes, of which one took it.</summary>
public sealed class HandOverReplyTests
{
    [Theory]
    [InlineData(DeliveryStatus.StoreFull, "452 4.3.1")]
    [InlineData(DeliveryStatus.OverQuota, "451 4.3.0")]
    [InlineData(DeliveryStatus.Unavailable, "451 4.3.0")]
    [InlineData(DeliveryStatus.NoMailbox, "451 4.3.0")]
    public void WhereNoQueueTakesWhatAMailboxDidNotAFullStoreIsStillTheReason(DeliveryStatus status, string reply)
    {
        DeliveryResult[] delivered = [new DeliveryResult(DeliveryStatus.Delivered, default, null), DeliveryResult.Of(status)];
        Assert.True(HandOverReply.LeavesToQueues(delivered, []));

        var outcome = HandOverReply.Of(delivered, [], taken: false, "trace");
        Assert.StartsWith(reply, outcome.Reply.ToString(), StringComparison.Ordinal);
        Assert.True(outcome.MayBeKept);
    }

    [Theory]
    [InlineData(DeliveryStatus.StoreFull)]
    [InlineData(DeliveryStatus.OverQuota)]
    [InlineData(DeliveryStatus.Unavailable)]
    public void WhereAQueueTakesItTheMessageIsKept(DeliveryStatus status) => Assert.StartsWith(
        "250 2.0.0",
        HandOverReply.Of([new DeliveryResult(DeliveryStatus.Delivered, default, null), DeliveryResult.Of(status)], [], taken: true, "trace").Reply.ToString(),
        StringComparison.Ordinal);
}
