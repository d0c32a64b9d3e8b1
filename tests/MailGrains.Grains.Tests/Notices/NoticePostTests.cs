using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Tests.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Faults;
using MimeKit;

namespace MailGrains.Grains.Tests.Notices;

/// <summary>What senders get when their mail can't be delivered, waits, or has arrived.</summary>
[Collection(SharedQueues.Name)]
public sealed class NoticePostTests(QueueCluster cluster)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_refused_message_comes_back_to_its_sender_without_one_itself()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        var message = queue.Message($"ann@{back.Id.Domain}", ["bob", "eve"]) with { EnvelopeId = "QQ314159" };
        await queue.Grain.EnqueueAsync(message, Cancellation);
        await cluster.UntilAsync(() => back.Sender.Taken.Count == 1);
        await queue.EmptyAsync();
        await back.EmptyAsync();

        var sent = Assert.Single(back.Sender.Taken).Message;
        Assert.Equal("", sent.ReversePath);
        var recipient = Assert.Single(sent.Recipients);
        Assert.Equal((message.ReversePath, NotifyOn.Never), (recipient.ForwardPath, recipient.Notify));
        var report = ReportOf(sent);
        Assert.Equal("auto-replied", report.Headers["Auto-Submitted"]);
        Assert.Equal("MAILER-DAEMON@us.test", Assert.IsType<MailboxAddress>(Assert.Single(report.From)).Address);
        var status = report.BodyParts.OfType<MessageDeliveryStatus>().Single().StatusGroups;
        Assert.Equal("QQ314159", status[0]["Original-Envelope-Id"]);
        Assert.Equal(["rfc822; bob@" + queue.Id.Domain, "rfc822; eve@" + queue.Id.Domain], status.Skip(1).Select(group => group["Final-Recipient"]));
        Assert.All(status.Skip(1), group => Assert.Equal(("failed", "5.1.1"), (group["Action"], group["Status"])));
        Assert.Equal(message.TraceId, message.Email.ToString());
        Assert.NotEqual(message.Email, sent.Email);
    }

    [Fact]
    public async Task A_sender_hears_once_that_a_message_waits_and_then_that_it_was_given_up()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => SenderScript.QueueScript.Deferred(attempt);
        await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]), Cancellation);
        await cluster.UntilAsync(() => !back.Sender.Taken.IsEmpty, TimeSpan.FromMinutes(1));
        await queue.EmptyAsync(TimeSpan.FromMinutes(10));
        await back.EmptyAsync(TimeSpan.FromSeconds(1));

        // Where the clock runs like that an attempt may be thought lost, and come again as uncertain.
        var groups = back.Sender.Taken.DistinctBy(taken => taken.Message.Email).Select(taken => ReportOf(taken.Message).BodyParts.OfType<MessageDeliveryStatus>().Single().StatusGroups[1]).ToList();
        Assert.Equal(["delayed", "failed"], groups.Select(group => group["Action"]));
        Assert.StartsWith("4.", groups[0]["Status"], StringComparison.Ordinal);
        Assert.NotNull(groups[0]["Will-Retry-Until"]);
        Assert.StartsWith("5.", groups[1]["Status"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_may_have_been_taken_is_sent_again_and_taken_once()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        var (isSent, faults) = (false, 0);
        cluster.Tables.WhenCommitting = (partition, _) =>
        {
            isSent |= partition == BodyHolder.PartitionOf(back.Id);
            return isSent && partition == BodyHolder.PartitionOf(queue.Id) && ++faults <= 2 ? CommitFault.Full : null;
        };
        try
        {
            await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]), Cancellation);
            await cluster.UntilAsync(() => faults > 1, TimeSpan.FromSeconds(1));
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        await back.EmptyAsync();
        Assert.Single(back.Sender.Taken);
    }

    [Fact]
    public async Task Whoever_has_heard_that_a_message_failed_may_send_it_again_to_those_who_did_not_get_it()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => queue.Sender.Outcomes(attempt, r => r == 0 ? OutcomeKind.Relayed : OutcomeKind.Failed, 250, "2.0.0", "as it is");
        var message = queue.Message($"ann@{back.Id.Domain}", ["bob", "eve"]);
        await queue.Grain.EnqueueAsync(message, Cancellation);
        await cluster.UntilAsync(() => back.Sender.Taken.Count == 1);
        await queue.EmptyAsync();
        await queue.ForgetAsync();
        queue.Sender.Answer = queue.Sender.Delivered;
        var again = EmailId.New(cluster.Time.GetUtcNow());
        Assert.Equal(EnqueueStatus.Queued, (await queue.Grain.EnqueueAsync(message with { Email = again }, Cancellation)).Status);
        await queue.EmptyAsync();
        await back.EmptyAsync();
        Assert.Equal([1], queue.Sender.Taken.Last().Recipients);
        Assert.Equal(EnqueueStatus.Repeated, (await queue.Grain.EnqueueAsync(message with { Email = EmailId.New(cluster.Time.GetUtcNow()) }, Cancellation)).Status);
    }

    [Fact]
    public async Task Each_queue_of_a_transaction_tells_of_its_own_recipients()
    {
        await using var one = cluster.NewQueue();
        await using var other = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        one.Sender.Answer = attempt => Refused(one, attempt);
        other.Sender.Answer = attempt => Refused(other, attempt);
        var message = one.Message($"ann@{back.Id.Domain}", ["bob"]);
        await one.Grain.EnqueueAsync(message, Cancellation);
        await other.Grain.EnqueueAsync(other.Message(message.ReversePath, ["bob"]) with { Email = message.Email }, Cancellation);
        await one.EmptyAsync();
        await other.EmptyAsync();
        await back.EmptyAsync();
        Assert.Equal(2, back.Sender.Taken.Select(taken => taken.Message.Email).Distinct().Count());
    }

    [Fact]
    public async Task A_drop_keeps_what_was_to_be_told_of_others()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        var isDown = true;
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => queue.Sender.Outcomes(attempt, r => r == 0 ? OutcomeKind.Failed : OutcomeKind.Deferred, 450, "4.2.0", "as it is");
        cluster.Tables.WhenCommitting = (partition, _) => isDown && partition == BodyHolder.PartitionOf(back.Id) ? CommitFault.Full : null;
        try
        {
            await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob", "eve"]), Cancellation);
            await cluster.UntilAsync(() => queue.ListAsync().GetAwaiter().GetResult() is [{ State: QueuedEntryState.Waiting, Recipients.Length: 1 }]);
            Assert.Equal(1, await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Drop, new QueueMark("op", "test", null)), Cancellation));
            isDown = false;
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        await back.EmptyAsync();
        Assert.Contains("bob@", Encoding.UTF8.GetString(Assert.Single(back.Sender.Taken).Message.Body.Inline!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_dropped_while_its_report_waits_leaves_the_queue()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        cluster.Tables.WhenCommitting = (partition, _) => partition == BodyHolder.PartitionOf(back.Id) ? CommitFault.Full : null;
        try
        {
            await queue.Grain.EnqueueAsync(queue.Message($"ann@{back.Id.Domain}", ["bob"]), Cancellation);
            await cluster.UntilAsync(() => queue.ListAsync().GetAwaiter().GetResult() is [{ State: QueuedEntryState.Reporting }]);
            await queue.Grain.OrderAsync(new QueueOrder(QueueOrderKind.Drop, new QueueMark("op", "test", null)) { TellsSender = true }, Cancellation);
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
        await back.EmptyAsync();
        Assert.Single(back.Sender.Taken);
    }

    [Fact]
    public async Task A_list_is_told_of_once_and_its_members_are_not()
    {
        await using var queue = cluster.NewQueue();
        await using var back = cluster.NewQueue();
        back.Sender.Answer = back.Sender.Delivered;
        queue.Sender.Answer = queue.Sender.Delivered;
        var message = queue.Message($"ann@{back.Id.Domain}", ["bob", "eve"]);
        message = message with
        {
            Recipients = [message.Recipients[0] with { Notify = NotifyOn.Never, ExpandedFrom = "staff@here.test" }, message.Recipients[1] with { Notify = NotifyOn.Never }],
        };
        await queue.Grain.EnqueueAsync(message, Cancellation);
        Assert.Equal(EnqueueStatus.Repeated, (await queue.Grain.EnqueueAsync(message with { Email = EmailId.New(cluster.Time.GetUtcNow()) }, Cancellation)).Status);
        await queue.EmptyAsync();
        await back.EmptyAsync();
        var groups = ReportOf(Assert.Single(back.Sender.Taken).Message).BodyParts.OfType<MessageDeliveryStatus>().Single().StatusGroups;
        Assert.Equal(("rfc822; staff@here.test", "expanded"), (groups[1]["Final-Recipient"], groups[1]["Action"]));
        Assert.Equal(2, groups.Count);
    }

    [Fact]
    public async Task A_report_for_a_mailbox_here_lies_in_it_large_ones_too()
    {
        var (tenant, domain, mailbox) = await NewMailboxAsync();
        await using var queue = cluster.NewQueue(tenant);
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        var large = queue.Message($"ann@{domain}", ["bob"]);
        var content = Encoding.ASCII.GetBytes("Message-ID: <large@here.test>\r\nSubject: large\r\n\r\n" + string.Concat(Enumerable.Repeat("All work and no play.\r\n", 2_500)));
        await queue.Grain.EnqueueAsync(
            large with { Body = await cluster.Bodies.WriteAsync(tenant, large.Email, [BodyHolder.Of(queue.Id)], new MemoryStream(content), Cancellation), Return = ReturnContent.Full },
            Cancellation);
        await queue.Grain.EnqueueAsync(queue.Message($"ann@{domain}", ["eve"]), Cancellation);
        await queue.EmptyAsync();
        var grain = cluster.Grains.GetGrain<IMailboxGrain>(mailbox.ToString());
        await cluster.UntilAsync(() => grain.ListMessagesAsync(1, 0, 10, Cancellation).AsTask().GetAwaiter().GetResult()?.Messages.Length == 2);
        await using var local = new TestQueue(cluster, new QueueId(tenant, 0, domain, 0));
        await local.EmptyAsync();
        var sizes = (await grain.ListMessagesAsync(1, 0, 10, Cancellation))!.Messages.Select(m => m.Bytes).Order().ToList();
        Assert.InRange(sizes[0], 500, 10_000);
        Assert.InRange(sizes[1], content.Length, content.Length + 10_000);
    }

    [Fact]
    public async Task Mail_without_a_sender_that_fails_goes_to_the_tenants_postmaster_and_no_further()
    {
        var tenant = $"t{Guid.NewGuid():n}"[..20];
        await using var queue = cluster.NewQueue(tenant);
        await using var post = cluster.NewQueue(tenant);
        await cluster.Grains.GetGrain<ITenantGrain>(tenant).PutAsync(new TenantSettings(null) { Postmaster = $"post@{post.Id.Domain}" }, Cancellation);
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        post.Sender.Answer = attempt => Refused(post, attempt);
        await queue.Grain.EnqueueAsync(queue.Message("", ["bob"]), Cancellation);
        await cluster.UntilAsync(() => post.Sender.Taken.Count == 1);
        await post.EmptyAsync();
        await queue.EmptyAsync();
        Assert.Single(post.Sender.Taken);
        Assert.Equal($"post@{post.Id.Domain}", Assert.Single(post.Sender.Taken.Single().Message.Recipients).ForwardPath);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nobody@{domain}")]
    public async Task What_nobody_can_be_told_of_leaves_the_queue(string sender)
    {
        var (tenant, domain, _) = await NewMailboxAsync();
        await using var queue = cluster.NewQueue(tenant);
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        await queue.Grain.EnqueueAsync(queue.Message(sender.Replace("{domain}", domain, StringComparison.Ordinal), ["bob"]), Cancellation);
        await queue.EmptyAsync();
        Assert.Single(queue.Sender.Taken);
    }

    [Fact]
    public async Task While_the_directory_can_not_be_asked_a_report_waits()
    {
        var (tenant, domain, _) = await NewMailboxAsync();
        await using var queue = cluster.NewQueue(tenant);
        queue.Sender.Answer = queue.Sender.Delivered;
        await queue.EnqueueAsync();
        await queue.EmptyAsync();
        queue.Sender.Answer = attempt => Refused(queue, attempt);
        var asked = 0;
        cluster.Tables.BeforeRead = row => row is null || row.StartsWith("m:", StringComparison.Ordinal) || row.StartsWith("b:", StringComparison.Ordinal) || ++asked < 0
            ? Task.CompletedTask
            : throw new StoreException(StoreFailure.Unavailable, "out");
        try
        {
            // An address that no grain has in memory.
            await queue.Grain.EnqueueAsync(queue.Message($"joe@{domain}", ["bob"]), Cancellation);
            await cluster.UntilAsync(() => asked > 0);
            Assert.Equal(QueuedEntryState.Reporting, Assert.Single(await queue.ListAsync()).State);
        }
        finally
        {
            cluster.Tables.Heal();
        }

        await queue.EmptyAsync(TimeSpan.FromSeconds(1));
    }

    private static RelayReport Refused(TestQueue queue, RelayMessage attempt) =>
        queue.Sender.Outcomes(attempt, _ => OutcomeKind.Failed, 550, "5.1.1", "no such user");

    private static MimeMessage ReportOf(QueuedMessage sent) =>
        MimeMessage.Load(new MemoryStream([.. sent.Trace, .. sent.Body.Inline!]), Cancellation);

    private async Task<(string Tenant, string Domain, MailboxId Mailbox)> NewMailboxAsync()
    {
        var tenant = $"t{Guid.NewGuid():n}"[..20];
        var grain = cluster.Grains.GetGrain<ITenantGrain>(tenant);
        await grain.PutAsync(new TenantSettings(null), Cancellation);
        await grain.PutDomainAsync($"{tenant}.test", new DomainSettings(null, null), Cancellation);
        await grain.PutMailboxAsync(new AddressName("ann", $"{tenant}.test"), new MailboxSettings(null, null), Cancellation);
        var resolution = await cluster.Grains.GetGrain<IAddressGrain>($"ann@{tenant}.test").ResolveAsync(Cancellation);
        return (tenant, $"{tenant}.test", resolution.Mailbox);
    }
}
