using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Grains.Notices;
using MailGrains.Grains.Queues;

namespace MailGrains.Grains.Tests.Notices;

/// <summary>Who is told what.</summary>
public sealed class PlannedReportTests
{
    [Theory]
    [InlineData(NotifyOn.Unspecified, "Failed Delayed")]
    [InlineData(NotifyOn.Never, "")]
    [InlineData(NotifyOn.Success, "Done")]
    [InlineData(NotifyOn.Failure, "Failed")]
    [InlineData(NotifyOn.Delay, "Delayed")]
    [InlineData(NotifyOn.Failure | NotifyOn.Delay | NotifyOn.Success, "Failed Delayed Done")]
    public void A_sender_hears_what_notify_asks_for(NotifyOn notify, string told)
    {
        var reports = PlannedReport.Of(Message("ann@here.test", new QueuedRecipient("bob@there.test", default) { Notify = notify }), All, "post@here.test");
        Assert.Equal(told, string.Join(' ', reports.Select(report => report.Purpose)));
        Assert.All(reports, report => Assert.Equal("ann@here.test", report.To));
        Assert.Equal(notify == NotifyOn.Never ? 0 : told.Contains("Failed", StringComparison.Ordinal) ? 2 : 0, reports.FirstOrDefault(r => r.Purpose == NoticePurpose.Failed)?.Notices.Count ?? 0);
    }

    [Fact]
    public void Each_recipient_has_its_own_notify()
    {
        var message = Message(
            "ann@here.test", new QueuedRecipient("a@there.test", default) { Notify = NotifyOn.Never }, new QueuedRecipient("b@there.test", default));
        var report = Assert.Single(PlannedReport.Of(message, [Of(NoticeKind.Failed, 0), Of(NoticeKind.Failed, 1)], null));
        Assert.Equal(1, Assert.Single(report.Notices).Recipient);
    }

    [Fact]
    public void The_sender_of_what_a_filter_took_for_unwanted_hears_nothing() => Assert.Empty(
        PlannedReport.Of(Message("ann@here.test", new QueuedRecipient("bob@there.test", default) { IsJunk = true }), All, "post@here.test"));

    [Fact]
    public void Nobody_but_a_postmaster_is_told_of_mail_without_a_sender_and_he_of_failures_only()
    {
        var message = Message("", new QueuedRecipient("bob@there.test", default) { Notify = NotifyOn.Never });
        Assert.Empty(PlannedReport.Of(message, All, null));
        var report = Assert.Single(PlannedReport.Of(message, All, "post@here.test"));
        Assert.Equal(NoticePurpose.Undeliverable, report.Purpose);
        Assert.Equal("post@here.test", report.To);
        Assert.Equal([NoticeKind.Failed, NoticeKind.Expired], report.Notices.Select(n => n.Kind));
    }

    [Fact]
    public void No_postmaster_is_told_of_a_report_to_one_wherever_the_address_led() => Assert.Empty(PlannedReport.Of(
        Message("", new QueuedRecipient("else@where.test", default) { OriginalRecipient = PlannedReport.OriginalOf("post@another.test") }), All, "post@here.test"));

    private static Notice[] All { get; } =
        [Of(NoticeKind.Failed), Of(NoticeKind.Expired), Of(NoticeKind.Delayed), Of(NoticeKind.Relayed), Of(NoticeKind.Delivered)];

    private static Notice Of(NoticeKind kind, int recipient = 0) => new(kind, recipient, 550, "5.1.1", "no", "mx.test");

    private static QueuedMessage Message(string reversePath, params QueuedRecipient[] recipients) => new(
        EmailId.New(DateTimeOffset.UnixEpoch), "trace", reversePath, [.. recipients], [], new MessageBody(0, [], null), [], 1, DateTimeOffset.UnixEpoch);
}
