using System.Collections.Immutable;
using System.Text;
using MailGrains.Messages.Dsn;
using MimeKit;

namespace MailGrains.Messages.Tests.Dsn;

/// <summary>Reports to try things with, and a reader of theirs.</summary>
internal static class Reports
{
    public const string Original =
        "Received: from client.example.test\r\n\tby mx.example.test; Tue, 25 Nov 2025 07:12:33 +0000\r\n" +
        "From: alice@example.test\r\nTo: bob@other.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <one@example.test>\r\n\r\nHello Bob\r\n";

    public static readonly DateTimeOffset Noon = new(2025, 11, 25, 12, 0, 0, TimeSpan.Zero);

    public static ReportedRecipient Unknown => new("bob@other.test", DeliveryAction.Failed, "5.1.1")
    {
        RemoteMta = "mx.other.test",
        Code = 550,
        Text = "No such user here",
        LastAttemptAt = Noon.AddMinutes(-1),
    };

    public static ReportedRecipient Waiting => new("carol@slow.test", DeliveryAction.Delayed, "4.7.1")
    {
        RemoteMta = "mx.slow.test",
        Code = 451,
        Text = "Greylisted, come back later",
        LastAttemptAt = Noon.AddMinutes(-1),
        RetriedUntil = Noon.AddDays(5),
    };

    public static DeliveryReport Of(params ImmutableArray<ReportedRecipient> recipients) => new()
    {
        ReportingMta = "mx.example.test",
        Domain = "example.test",
        To = "alice@example.test",
        MessageId = "report-1@mx.example.test",
        Date = Noon,
        Recipients = recipients,
        ArrivedAt = Noon.AddHours(-4),
    };

    public static ReportMessage Write(DeliveryReport report, string original = Original) => ReportWriter.Write(report, Returned(original));

    public static ReturnedMessage Returned(string original) => ReturnedMessage.Of(Encoding.UTF8.GetBytes(original), isWhole: true);

    public static string Text(ReportMessage report) => Encoding.UTF8.GetString(report.Content.Span);

    public static MimeMessage Parse(ReportMessage report)
    {
        using var stream = new MemoryStream(report.Content.ToArray());
        return MimeMessage.Load(stream, TestContext.Current.CancellationToken);
    }

    public static string Human(ReportMessage report) => Assert.IsType<TextPart>(Parts(report)[0]).Text.ReplaceLineEndings("\n");

    /// <summary>The groups of fields: the first is about the message, each other one about a recipient.</summary>
    public static HeaderListCollection Fields(ReportMessage report) => Assert.IsType<MessageDeliveryStatus>(Parts(report)[1]).StatusGroups;

    public static MimeEntity ReturnedPart(ReportMessage report) => Parts(report)[2];

    private static MultipartReport Parts(ReportMessage report)
    {
        var parts = Assert.IsType<MultipartReport>(Parse(report).Body);
        Assert.Equal("delivery-status", parts.ReportType);
        Assert.Equal(3, parts.Count);
        return parts;
    }
}
