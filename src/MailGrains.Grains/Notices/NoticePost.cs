using System.Buffers.Binary;
using MailGrains.Contracts;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;
using MailGrains.Messages.Dsn;
using MailGrains.Messages.Summaries;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;

namespace MailGrains.Grains.Notices;

/// <summary>
/// Sends the delivery reports that a message's sender is to get: with the null reverse-path, into the queue of whatever the sender's address leads to, a
/// mailbox here or another server. A report has a delivery id of its own, made of the message, what is told, and where it goes, so that what is sent
/// again after a crash is taken once.
/// </summary>
public sealed class NoticePost
{
    private readonly GrainKind<IDomainQueueGrain> _queues;
    private readonly NoticeTargets _targets;
    private readonly BodyBlobs _bodies;
    private readonly NoticeOptions _options;
    private readonly QueueOptions _queueOptions;
    private readonly SummaryReader _summaries = new();
    private readonly TimeProvider _time;
    private readonly GrainMetrics _metrics;

    public NoticePost(
        IGrainFactory grains, QueueAccounts accounts, BodyBlobs bodies, NoticeOptions options, QueueOptions queueOptions,
        [Microsoft.Extensions.DependencyInjection.FromKeyedServices(TimeProviderNames.Grains)] TimeProvider time, GrainMetrics metrics)
    {
        (_queues, _targets) = (new GrainKind<IDomainQueueGrain>(grains), new NoticeTargets(grains, accounts));
        (_bodies, _options, _queueOptions, _time, _metrics) = (bodies, options, queueOptions, time, metrics);
    }

    /// <summary>Sends what is to be told of a message; a repeat is recognised where it arrives.</summary>
    /// <param name="retriedUntil">When the message is given up.</param>
    /// <returns>What was done, for the log.</returns>
    /// <exception cref="Exception">It could not be sent now, or not all of it: it is to be repeated.</exception>
    internal async ValueTask<string> SendAsync(
        QueueId queue, QueuedMessage message, IReadOnlyList<Notice> notices, DateTimeOffset retriedUntil, CancellationToken cancellationToken)
    {
        var postmaster = message.ReversePath.Length == 0 ? await _targets.PostmasterOfAsync(queue.Tenant, cancellationToken) : null;
        var reports = PlannedReport.Of(message, notices, postmaster);
        if (reports.Count == 0)
        {
            return message.ReversePath.Length == 0 ? "nobody: it has no sender" : "nobody: its sender did not ask for it";
        }

        var returned = await ReadAsync(message, cancellationToken);
        var done = new List<string>();
        foreach (var report in reports)
        {
            var targets = await _targets.FindAsync(report.To, queue.Tenant, cancellationToken);
            foreach (var target in targets)
            {
                await SendAsync(queue, message, report, returned, target, retriedUntil, cancellationToken);
            }

            _metrics.Reported(report.Purpose);
            done.Add($"{report.Purpose}, {report.Notices.Count} recipients: {(targets.Count == 0 ? "nobody has the address" : "to")} <{report.To}>");
        }

        return string.Join("; ", done);
    }

    private async ValueTask SendAsync(
        QueueId queue, QueuedMessage message, PlannedReport report, ReturnedMessage returned, NoticeTarget target, DateTimeOffset retriedUntil,
        CancellationToken cancellationToken)
    {
        var id = IdOf(queue, message.Email, report, target);
        var now = _time.GetUtcNow();
        var domain = await DomainOfAsync(queue, message, report, cancellationToken);
        var written = NoticeReport.Write(report, message, returned, id, _options.HostName, domain, target.Local is null, retriedUntil, now);
        var destination = await _targets.QueueOfAsync(target, (int)(id.Low % (uint)_queueOptions.Shards), cancellationToken);
        var email = EmailId.New(now);
        var summary = _summaries.Read(written.Content);
        var body = written.Content.Length <= MessageBody.InlineLimit
            ? new MessageBody(written.Content.Length, written.Content.ToArray(), null)
            : await _bodies.WriteAsync(
                destination.Tenant, email, [BodyHolder.Of(destination)], new MemoryStream(written.Content.ToArray(), writable: false), cancellationToken);
        var recipient = new QueuedRecipient(target.ForwardPath, id)
        {
            // RFC 3461 §6.1: nobody is told what became of a report.
            Notify = NotifyOn.Never,
            OriginalRecipient = report.Purpose == NoticePurpose.Undeliverable ? PlannedReport.OriginalOf(report.To) : null,
            Mailbox = target.Local?.Mailbox,
            Detail = target.Local?.Detail ?? "",
        };
        var result = await _queues.Of(destination.ToString()).EnqueueAsync(
            new QueuedMessage(email, email.ToString(), "", [recipient], [], body, summary.Encode(), summary.ThreadId() ?? email.Low, now)
            {
                Needs = NeedsOf(written, message, target),
            },
            cancellationToken);
        if (body.Blob is { } own &&
            (result.Status == EnqueueStatus.Full || (result.Status == EnqueueStatus.Repeated && result.KeptBody?.Name != own.Name)))
        {
            await _bodies.DiscardAsync(own, cancellationToken);
        }

        if (!result.IsKept)
        {
            throw new StoreUnavailableException($"Queue {destination} did not take the report ({result.Status}).");
        }
    }

    /// <summary>Of the From address: the sender's own where it is the tenant's, the alias' that the message came by, the mailbox' that did not take it.</summary>
    private async ValueTask<string> DomainOfAsync(QueueId queue, QueuedMessage message, PlannedReport report, CancellationToken cancellationToken)
    {
        var recipient = message.Recipients[report.Notices[0].Recipient];
        return await _targets.OwnDomainOfAsync(report.To, queue.Tenant, cancellationToken)
            ?? await _targets.OwnDomainOfAsync(recipient.ReversePath ?? recipient.ForwardPath, queue.Tenant, cancellationToken)
            ?? _options.HostName;
    }

    private async ValueTask<ReturnedMessage> ReadAsync(QueuedMessage message, CancellationToken cancellationToken)
    {
        try
        {
            var content = message.Body.Blob is { } blob
                ? await _bodies.OpenAsync(blob, cancellationToken)
                : new MemoryStream(message.Body.Inline ?? [], writable: false);
            await using (content)
            {
                return await ReturnedMessage.ReadAsync(message.Trace, content, cancellationToken);
            }
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            return ReturnedMessage.Of(message.Trace, isWhole: false);
        }
    }

    /// <summary>RFC 8689 §5: a report of a message that asked for TLS all the way asks for it too.</summary>
    private static MessageNeeds NeedsOf(ReportMessage written, QueuedMessage message, NoticeTarget target) =>
        (written.IsEightBit ? MessageNeeds.EightBitMime : MessageNeeds.None) |
        (written.NeedsSmtpUtf8 || !System.Text.Ascii.IsValid(target.ForwardPath) ? MessageNeeds.SmtpUtf8 : MessageNeeds.None) |
        (message.Needs & MessageNeeds.RequireTls);

    /// <summary>H(queue, message, what is told of whom, where it goes): the queues of a transaction have the message under one id, and each its own recipients.</summary>
    private static DeliveryId IdOf(QueueId queue, EmailId parent, PlannedReport report, NoticeTarget target)
    {
        var recipients = new byte[report.Notices.Count * sizeof(int)];
        for (var i = 0; i < report.Notices.Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(recipients.AsSpan(i * sizeof(int)), report.Notices[i].Recipient);
        }

        return DeliveryId.Of($"{queue}/{parent}/{(int)report.Purpose}", target.Local?.Mailbox.ToString() ?? target.ForwardPath, recipients);
    }
}
