using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Tests.Mailboxes;

[Collection(SharedCluster.Name)]
public sealed class MdaGrainTests(MailboxCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FinalDeliveryWritesReturnPathAndDeliveredToBeforeTheTrace()
    {
        await using var mailbox = await cluster.CreateAsync();
        var request = Request(mailbox.Id, "Subject: hi\r\n\r\nhello\r\n");

        var result = await cluster.Grains.GetGrain<IMdaGrain>(0).DeliverAsync(request, None);

        Assert.Equal(new DeliveryResult(DeliveryStatus.Delivered, request.Email, null), result);
        var entry = Assert.Single(await mailbox.ListAsync());
        await using var content = (await cluster.Stores.Messages.OpenAsync(mailbox.Id, entry.Email, entry.Bytes, None))!;
        using var reader = new StreamReader(content);
        Assert.Equal(
            "Return-Path: <ann@example.org>\r\nDelivered-To: bob+tag@example.test\r\nReceived: from here\r\nSubject: hi\r\n\r\nhello\r\n",
            await reader.ReadToEndAsync(None));
        Assert.Equal(DeliveryStatus.Repeated, (await cluster.Grains.GetGrain<IMdaGrain>(0).DeliverAsync(request, None)).Status);
    }

    [Fact]
    public async Task WhatFailsForAMomentIsUnavailableAndNeverThrown()
    {
        await using var mailbox = await cluster.CreateAsync();
        await cluster.ReactivateAsync(mailbox.Id);
        var mda = cluster.Grains.GetGrain<IMdaGrain>(0);
        using (cluster.Unreadable())
        {
            Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await mda.DeliverAsync(Request(mailbox.Id, "x"), None));
        }

        var elsewhere = new MailboxId("tenant", 7, "1");
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await mda.DeliverAsync(Request(elsewhere, "x"), None));
        var malformed = new MailboxId("", 0, "");
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.Unavailable), await mda.DeliverAsync(Request(malformed, "x"), None));
        Assert.Equal(DeliveryResult.Of(DeliveryStatus.NoMailbox), await mda.DeliverAsync(Request(MailboxId.New("tenant", 0), "x"), None));
    }

    private DeliveryRequest Request(MailboxId mailbox, string content)
    {
        var bytes = Encoding.ASCII.GetBytes(content);
        return new DeliveryRequest(
            mailbox, TestMail.NewId(), "trace-1", "ann@example.org", "bob+tag@example.test", "tag", "Received: from here\r\n"u8.ToArray(),
            new MessageBody(bytes.Length, bytes, null), [1], 9, cluster.Time.GetUtcNow(), EmailId.New(cluster.Time.GetUtcNow()));
    }
}
