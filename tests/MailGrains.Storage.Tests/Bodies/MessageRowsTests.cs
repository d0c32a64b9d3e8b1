using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Bodies;

public sealed class MessageRowsTests
{
    private static readonly EmailId Email = EmailId.Parse("0195d3f0c1a27000a1b2c3d4e5f60718");

    [Fact]
    public void AnInlineMessageIsTwoRowsThatHoldItAll()
    {
        var delivery = Delivery(new MessageBody(5, "hello"u8.ToArray(), null));
        var rows = MessageRows.Of(delivery);
        Assert.Equal(["m:0195d3f0c1a27000a1b2c3d4e5f60718", "b:0195d3f0c1a27000a1b2c3d4e5f60718"], rows.Select(r => r.Row));
        Assert.Null(TableLimits.Violation("p", rows));

        var message = MessageRows.Read(Row(rows[0]));
        Assert.Equal((Email, delivery.ReceivedAt, "trace", 8, 5L, true), (message.Email, message.ReceivedAt, message.TraceId, message.PrefixLength, message.ContentLength, message.IsInline));
        Assert.Equal(13, message.Bytes);
        Assert.Equal(delivery.Summary, message.Summary);

        var (prefix, content) = MessageRows.ReadBody(Row(rows[1]));
        Assert.Equal("Prefix\r\n"u8.ToArray(), prefix);
        Assert.Equal("hello"u8.ToArray(), content);
    }

    [Fact]
    public void AMessageInABlobIsOneRow()
    {
        var blob = new BodyBlob(3, "body/acme/20260301/shared/0195d3f0c1a27000a1b2c3d4e5f60718", true);
        var row = Assert.Single(MessageRows.Of(Delivery(new MessageBody(5_000_000_000, null, blob))));
        var message = MessageRows.Read(Row(row));
        Assert.Equal(blob, message.Blob);
        Assert.Equal(5_000_000_000, message.ContentLength);
        Assert.Equal("Prefix\r\n"u8.ToArray(), message.Prefix);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(64 * 1024)]
    [InlineData((64 * 1024) + 1)]
    [InlineData(600 * 1024)]
    public void ALongSummaryIsCutIntoPieces(int length)
    {
        var summary = BodyRig.Content(length);
        var rows = MessageRows.Of(Delivery(new MessageBody(5, null, new BodyBlob(0, "body/x", false))) with { Summary = summary, Prefix = new byte[64 * 1024] });
        Assert.Null(TableLimits.Violation("p", rows));
        Assert.Equal(summary, MessageRows.Read(Row(rows[0])).Summary);
    }

    [Fact]
    public void ARepeatWritesTheSameRows()
    {
        var delivery = Delivery(new MessageBody(5, "hello"u8.ToArray(), null));
        foreach (var (first, second) in MessageRows.Of(delivery).Zip(MessageRows.Of(delivery)))
        {
            Assert.Equal((first.Kind, first.Row), (second.Kind, second.Row));
            Assert.All(first.Properties, p => Assert.Equal(p.Value.AsBytes?.ToArray(), second.Properties[p.Key].AsBytes?.ToArray()));
        }
    }

    [Fact]
    public void WhatANewerReleaseWroteIsRefused()
    {
        var rows = MessageRows.Of(Delivery(new MessageBody(5, "hello"u8.ToArray(), null)));
        var head = rows[0].Properties["h"].AsBytes!.Value.ToArray();
        head[0]++;
        AssertUnreadable(() => MessageRows.Read(new TableRow("p", rows[0].Row, "", new RowProperties([new("h", head), new("s", new byte[] { 1 })]))));
        AssertUnreadable(() => MessageRows.Read(new TableRow("p", rows[0].Row, "", new RowProperties("h", new byte[] { 1, 0 }))));
        AssertUnreadable(() => MessageRows.ReadBody(new TableRow("p", rows[1].Row, "", new RowProperties([new("f", 2L), new("p", new byte[] { 1 }), new("c", new byte[] { 1 })]))));
        AssertUnreadable(() => MessageRows.ReadBody(new TableRow("p", rows[1].Row, "", new RowProperties("f", 1L))));
    }

    [Fact]
    public void MailboxesNeverShareAPartition()
    {
        var part = Gen.String[Gen.Char["ab:,-=/."], 1, 6];
        var mailbox = Gen.Select(part, Gen.Int[0, 3], Gen.String[Gen.Char["ab0"], 1, 4], (tenant, account, unique) => new MailboxId(tenant, account, unique));
        Gen.Select(mailbox, mailbox).Sample((a, b) =>
        {
            var (first, second) = (BodyHolder.Of(a), BodyHolder.Of(b));
            Assert.Equal(a == b, first == second);
            Assert.Equal(first == second, first.Key == second.Key);
            Assert.True(BodyHolder.TryParse(first.Key, out var parsed) && parsed == first);
            Assert.Null(TableLimits.KeyViolation(first.Partition));
            Assert.True(TableKey.TryDecode(first.Partition, out _));
        });
        Assert.Throws<ArgumentException>(() => BodyHolder.PartitionOf(new MailboxId("a", 0, "b:c")));
    }

    private static MailboxDelivery Delivery(MessageBody body) => new(
        DeliveryId.None, "trace", "INBOX", [], "Prefix\r\n"u8.ToArray(), body, [9, 8, 7], 7, DateTimeOffset.FromUnixTimeMilliseconds(1_772_366_400_123), Email);

    private static TableRow Row(TableOperation operation) => new("p", operation.Row, "etag", operation.Properties);

    private static void AssertUnreadable(Action read) => Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(read).Failure);
}
