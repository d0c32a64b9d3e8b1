using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Commands;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class PathDecoderTests
{
    private static readonly Gen<string> Localpart = Gen.OneOf(
        Gen.Char["abcXYZ019!#$%&'*+-/=?^_`{|}~"].Array[1, 12].Select(chars => new string(chars)),
        Gen.Char["ab .@\\\"<>,:;[]()ü"].Array[1, 12].Select(chars => new string(chars)),
        Gen.Const("a.b.c"),
        Gen.Const("用户"));

    private static readonly Gen<string> Domain = Gen.OneOf(
        Gen.OneOf("a", "example", "xn--bcher-kva", "a1", "1a", "under_score", "bücher").Array[1, 4].Select(labels => string.Join('.', labels)),
        Gen.OneOf("[127.0.0.1]", "[IPv6:::1]", "[IPv6:2001:db8::1]"));

    [Fact]
    public void MailboxThatWasWrittenIsReadAsTheSame() => Gen.Select(Localpart, Domain).Sample((localpart, domain) =>
    {
        var mailbox = new Mailbox(localpart, domain);
        var decoder = new TextDecoder(Encoding.UTF8.GetBytes($"<{mailbox}>"));
        var path = PathDecoder.ExpectReversePath(ref decoder);
        Assert.False(decoder.Failed, mailbox.ToString());
        Assert.True(decoder.IsAtEnd);
        Assert.Equal(mailbox, path.Mailbox);
        Assert.Equal(mailbox.ToString(), path.Text);
    }, iter: 20_000);

    [Fact]
    public void NoiseIsRefusedOrReadButNeverThrowsNorLetsControlCharactersThrough() =>
        Gen.OneOf(Gen.Byte.Array[0, 40], Gen.OneOf("<", ">", "@", "\"", "\\", ".", ":", ",", "[", "]", "a", "ü", "\u0085", " ", "SIZE=", "\u007f")
            .Array[0, 16].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)))).Sample(noise =>
        {
            MailCommand.Parse([.. "FROM:<"u8, .. noise, .. ">"u8], default, out var reversePath, out _);
            RcptCommand.Parse([.. "TO:<"u8, .. noise], default, true, out var forwardPath, out _);
            foreach (var mailbox in new[] { reversePath.Mailbox, forwardPath.Mailbox })
            {
                Assert.DoesNotContain((mailbox?.Localpart + mailbox?.Domain).ToCharArray(), char.IsControl);
            }
        }, iter: 50_000);

    [Theory]
    [InlineData("FROM:<\"a\\\"b c\"@example.test> SIZE=12 BODY=8BITMIME SMTPUTF8")]
    [InlineData("FROM:<@one.test,@[IPv6:::1]:用户@bücher.test> SMTPUTF8")]
    public void EveryPrefixOfAValidCommandIsRefusedOrACommand(string arguments)
    {
        var octets = Encoding.UTF8.GetBytes(arguments);
        Assert.Null(MailCommand.Parse(octets, default, out _, out _));
        for (var length = 0; length < octets.Length; length++)
        {
            var refusal = MailCommand.Parse(octets.AsSpan(0, length), default, out var path, out _);
            Assert.True(refusal is not null || path.Mailbox is not null);
            Assert.True(refusal is null or { Code: 501 or 553 or 555 }, $"{length}: {refusal}");
        }
    }

    [Fact]
    public void LongPartsAreRefused()
    {
        Assert.Null(Parse(new string('a', 256) + "@b.test"));
        Assert.NotNull(Parse(new string('a', 257) + "@b.test"));
        Assert.NotNull(Parse('"' + new string('a', 257) + "\"@b.test"));
        Assert.Null(Parse("a@" + new string('b', 63) + ".test"));
        Assert.NotNull(Parse("a@" + new string('b', 64) + ".test"));
        Assert.NotNull(Parse("a@" + string.Join('.', Enumerable.Repeat("bbb", 64)) + ".b"));

        static SmtpReply? Parse(string address) => MailCommand.Parse(Encoding.ASCII.GetBytes($"FROM:<{address}>"), default, out _, out _);
    }

    [Fact]
    public void OctetsThatAreNoUtf8AreRefused()
    {
        Assert.Equal(SmtpReply.BadSenderSyntax501, MailCommand.Parse([.. "FROM:<"u8, 0xff, .. "@b.test> SMTPUTF8"u8], default, out _, out _));
    }
}
