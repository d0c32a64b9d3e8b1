using System.Buffers.Binary;
using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;

namespace MailGrains.Contracts.Tests.Mailboxes;

public sealed class IdTests
{
    [Fact]
    public void AMailboxIdIsReadFromItsText()
    {
        var id = MailboxId.New("acme-2", 17);
        Assert.StartsWith("acme-2/17-", id.ToString(), StringComparison.Ordinal);
        Assert.Equal(id, MailboxId.Parse(id.ToString()));
        Assert.NotEqual(id, MailboxId.New("acme-2", 17));
    }

    [Theory]
    [InlineData("")]
    [InlineData("acme")]
    [InlineData("/1-x")]
    [InlineData("acme/-x")]
    [InlineData("acme/1-")]
    [InlineData("acme/x-y")]
    [InlineData("acme/+1-y")]
    [InlineData("acme/ 1-y")]
    [InlineData("acme/99999999999-y")]
    public void WhatIsNoMailboxIdIsRefused(string text)
    {
        Assert.False(MailboxId.TryParse(text, out _));
        Assert.Throws<FormatException>(() => MailboxId.Parse(text));
    }

    [Fact]
    public void EmailIdsOrderByTimeInTextAndBytes() => Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, int.MaxValue]).Sample((first, second) =>
    {
        var (a, b) = (EmailId.New(DateTimeOffset.UnixEpoch.AddMilliseconds(first)), EmailId.New(DateTimeOffset.UnixEpoch.AddMilliseconds(second)));
        Assert.Equal(a.CompareTo(b) < 0, string.CompareOrdinal(a.ToString(), b.ToString()) < 0);
        Assert.Equal(a < b, a.CompareTo(b) < 0);
        if (first != second)
        {
            Assert.Equal(first < second, a < b);
        }
    });

    [Fact]
    public void AnEmailIdIsReadFromItsTextAndBytes() => Gen.Select(Gen.ULong, Gen.ULong).Sample((high, low) =>
    {
        var id = new EmailId(high, low);
        var bytes = new byte[16];
        id.Write(bytes);
        Assert.Equal(id, EmailId.Read(bytes));
        Assert.Equal(id, EmailId.Parse(id.ToString()));
        Assert.Equal(32, id.ToString().Length);
    });

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0000000000000000000000000000000g")]
    [InlineData("000000000000000000000000000000000")]
    public void WhatIsNoEmailIdIsRefused(string text) => Assert.Throws<FormatException>(() => EmailId.Parse(text));

    [Fact]
    public void ADeliveryIdTellsWhereOnePartEndsAndTheNextBegins()
    {
        var hash = new byte[32];
        var id = DeliveryId.Of("a@x", "b@y", hash);
        Assert.Equal(id, DeliveryId.Of("a@x", "b@y", hash));
        Assert.False(id.IsNone);
        Assert.NotEqual(id, DeliveryId.Of("a@xb", "@y", hash));
        Assert.NotEqual(id, DeliveryId.Of("", "a@xb@y", hash));
        Assert.NotEqual(id, DeliveryId.Of("a@x", "B@y", hash));
        hash[31] = 1;
        Assert.NotEqual(id, DeliveryId.Of("a@x", "b@y", hash));
        Assert.True(DeliveryId.None.IsNone);
    }

    [Fact]
    public void ADeliveryIdStaysTheSameInEveryRelease()
    {
        // Stored ids are compared with new ones for seven days: the layout below is part of the format.
        byte[] input = [0, 0, 0, 1, (byte)'s', 0, 0, 0, 2, 0xC3, 0xA9, .. new byte[32]];
        var expected = System.Security.Cryptography.SHA256.HashData(input);
        var id = DeliveryId.Of("s", "é", new byte[32]);
        Assert.Equal(BinaryPrimitives.ReadUInt64BigEndian(expected), id.High);
        Assert.Equal(BinaryPrimitives.ReadUInt64BigEndian(expected.AsSpan(8)), id.Low);
    }

    [Fact]
    public void ADeliveryIdTakesPartsOfAnyLength()
    {
        var longPath = new string('x', 5000);
        Assert.Equal(DeliveryId.Of(longPath, "b", new byte[32]), DeliveryId.Of(longPath, "b", new byte[32]));
        Assert.NotEqual(DeliveryId.Of(longPath, "b", new byte[32]), DeliveryId.Of(longPath + "x", "b", new byte[32]));
    }
}
