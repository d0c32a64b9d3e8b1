using System.Security.Cryptography;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>Messages on their way to a mailbox.</summary>
internal static class TestMail
{
    public static readonly byte[] Prefix = "Return-Path: <ann@example.org>\r\n"u8.ToArray();

    public static DeliveryId NewId() => DeliveryId.Of("ann@example.org", "bob@example.test", RandomNumberGenerator.GetBytes(32));

    public static MailboxDelivery Delivery(string content, DateTimeOffset now, DeliveryId? id = null, params string[] keywords)
    {
        var bytes = Encoding.ASCII.GetBytes(content);
        return Delivery(new MessageBody(bytes.Length, bytes, null), EmailId.New(now), now, id, keywords);
    }

    public static MailboxDelivery Delivery(MessageBody body, EmailId email, DateTimeOffset now, DeliveryId? id = null, params string[] keywords) =>
        new(id ?? NewId(), "trace-1", "INBOX", [.. keywords], Prefix, body, [1, 2, 3], 42, now, email);
}
