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

    [Fact]
    public async Task JunkGoesToTheFolderOfThatUse()
    {
        await using var mailbox = await cluster.CreateAsync();
        var request = Request(mailbox.Id, "Subject: buy\r\n\r\n") with { IsJunk = true };

        Assert.Equal(DeliveryStatus.Delivered, (await DeliverAsync(request)).Status);
        Assert.Equal(new DeliveryResult(DeliveryStatus.Repeated, request.Email, null), await DeliverAsync(Again(request)));

        Assert.Equal((0, 1), await CountsAsync(mailbox.Id));
    }

    [Fact]
    public async Task RepeatWithABetterVerdictIsKeptAndOneWithAWorseIsNot()
    {
        await using var mailbox = await cluster.CreateAsync();
        var other = TestMail.NewId();
        var accepted = Request(mailbox.Id, "Subject: hi\r\n\r\n") with { OtherIds = [other] };
        var junk = Again(accepted) with { IsJunk = true };

        Assert.Equal(DeliveryStatus.Delivered, (await DeliverAsync(junk)).Status);
        Assert.Equal(DeliveryStatus.Delivered, (await DeliverAsync(accepted)).Status);
        await cluster.ReactivateAsync(mailbox.Id);
        foreach (var repeat in new[] { junk, accepted, Again(junk) with { DeliveryId = other, OtherIds = [] }, Again(accepted) with { DeliveryId = other } })
        {
            Assert.Equal(DeliveryStatus.Repeated, (await DeliverAsync(Again(repeat))).Status);
        }

        Assert.Equal((1, 1), await CountsAsync(mailbox.Id));
    }

    [Fact]
    public async Task JunkAfterTheAcceptedCopyIsItsRepeat()
    {
        await using var mailbox = await cluster.CreateAsync();
        var accepted = Request(mailbox.Id, "Subject: hi\r\n\r\n");
        await DeliverAsync(accepted);

        Assert.Equal(
            new DeliveryResult(DeliveryStatus.Repeated, accepted.Email, null), await DeliverAsync(Again(accepted) with { IsJunk = true }));
        Assert.Equal((1, 0), await CountsAsync(mailbox.Id));
    }

    [Fact]
    public async Task JunkWithoutAMessageIdIsTwoMessages()
    {
        await using var mailbox = await cluster.CreateAsync();
        var request = Request(mailbox.Id, "Subject: buy\r\n\r\n") with { DeliveryId = DeliveryId.None, IsJunk = true };

        await DeliverAsync(request);
        await DeliverAsync(Again(request));

        Assert.Equal((0, 2), await CountsAsync(mailbox.Id));
    }

    private ValueTask<DeliveryResult> DeliverAsync(DeliveryRequest request) => cluster.Grains.GetGrain<IMdaGrain>(0).DeliverAsync(request, None);

    /// <summary>The same message in another transaction.</summary>
    private DeliveryRequest Again(DeliveryRequest request) => request with { Email = EmailId.New(cluster.Time.GetUtcNow()) };

    private async Task<(int Inbox, int Junk)> CountsAsync(MailboxId mailbox)
    {
        var overview = (await cluster.Grains.GetGrain<IMailboxGrain>(mailbox.ToString()).GetOverviewAsync(None))!;
        return (overview.Folders.Single(f => f.Name == "INBOX").Messages, overview.Folders.Single(f => f.SpecialUse == "\\Junk").Messages);
    }

    private DeliveryRequest Request(MailboxId mailbox, string content)
    {
        var bytes = Encoding.ASCII.GetBytes(content);
        return new DeliveryRequest(
            mailbox, TestMail.NewId(), "trace-1", "ann@example.org", "bob+tag@example.test", "tag", "Received: from here\r\n"u8.ToArray(),
            new MessageBody(bytes.Length, bytes, null), [1], 9, cluster.Time.GetUtcNow(), EmailId.New(cluster.Time.GetUtcNow()));
    }
}
