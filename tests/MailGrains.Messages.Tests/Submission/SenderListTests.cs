using MailGrains.Messages.Submission;

namespace MailGrains.Messages.Tests.Submission;

public sealed class SenderListTests
{
    [Theory]
    [InlineData("a@b.test", "a@b.test")]
    [InlineData("  <a@b.test>  ", "a@b.test")]
    [InlineData("A <a@b.test>", "a@b.test")]
    [InlineData("Dr. A. B. (the doctor) <a.b+c@b.test> (at (home))", "a.b+c@b.test")]
    [InlineData("a@b.test (A)", "a@b.test")]
    [InlineData("\"A, B\" <a@b.test>", "a@b.test")]
    [InlineData("\"A \\\"x\\\" B\" <a@b.test>", "a@b.test")]
    [InlineData("\"c@d.test\" <a@b.test>", "a@b.test")]
    [InlineData("=?utf-8?Q?J=C3=B6rg?= <a@b.test>", "a@b.test")]
    [InlineData("A\r\n <a@b.test>", "a@b.test")]
    [InlineData("\r\n \"A\r\n B\"\r\n\t(at\r\n home) <a@b.test>\r\n ", "a@b.test")]
    [InlineData("\"a b\"@b.test", "a b@b.test")]
    [InlineData("\"a\"@b.test", "a@b.test")]
    [InlineData("A<a@B.Test>", "a@B.Test")]
    [InlineData("a@b.test,", "a@b.test")]
    [InlineData(", ,a@b.test", "a@b.test")]
    [InlineData("us: a@b.test;", "a@b.test")]
    [InlineData("us: ,A <a@b.test>,; (the end) ,", "a@b.test")]
    public void OneAuthor(string value, string address)
    {
        var header = Submitted.From(value);
        Assert.Equal(HeaderFault.None, header.Fault);
        var sender = Assert.Single(header.Senders);
        Assert.Equal(("From", address), (sender.Field, $"{sender.Localpart}@{sender.Domain}"));
    }

    [Theory]
    [InlineData("a@b.test, c@d.test")]
    [InlineData("A <a@b.test> , <c@d.test>")]
    [InlineData("x: a@b.test; , y: c@d.test;")]
    [InlineData("x: a@b.test;,c@d.test (C)")]
    [InlineData("x: A <a@b.test>, c@d.test;")]
    public void SeveralAuthors(string value)
    {
        var header = Submitted.Repair($"From: {value}\r\nSender: a@b.test\r\n\r\n");
        Assert.Equal(["a@b.test", "c@d.test", "a@b.test"], header.Senders.Select(s => $"{s.Localpart}@{s.Domain}"));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("@b.test")]
    [InlineData("a@")]
    [InlineData("a@b.test c@d.test")]
    [InlineData("a@b.test <c@d.test>")]
    [InlineData("<a@b.test> c@d.test")]
    [InlineData("<a@b.test> <c@d.test>")]
    [InlineData("<a@b.test> C")]
    [InlineData("<a@b.test><c@d.test>")]
    [InlineData("<<a@b.test>>")]
    [InlineData("<a@b.test")]
    [InlineData("a@b.test>")]
    [InlineData("<a@b.test, c@d.test>")]
    [InlineData("<c@d.test:a@b.test>")]
    [InlineData("<@c.test:a@b.test>")]
    [InlineData("<@c.test,@d.test:a@b.test>")]
    [InlineData("< a@b.test>")]
    [InlineData("<a @b.test>")]
    [InlineData("a (A) @b.test")]
    [InlineData("a@ b.test")]
    [InlineData("<a(A)@b.test>")]
    [InlineData("a@b.test@d.test")]
    [InlineData("a@b.test; c@d.test")]
    [InlineData("Doe, Jane <a@b.test>")]
    [InlineData("c@d.test <a@b.test>, e")]
    [InlineData("a@b.test (<c@d.test>)")]
    [InlineData("a@b.test (c@d.test)")]
    [InlineData("a@b.test (\")")]
    [InlineData("a@b.test (\\))")]
    [InlineData("a@b.test (")]
    [InlineData("a@b.test )")]
    [InlineData("\"C <c@d.test>\" <a@b.test>")]
    [InlineData("\"x\\\", c@d.test, \\\"\" <a@b.test>")]
    [InlineData("\"C <a@b.test>")]
    [InlineData("\"C\\")]
    [InlineData("\"a <c@d.test>\"@b.test")]
    [InlineData("\"c@d.test\"@b.test")]
    [InlineData("\"\"@b.test")]
    [InlineData("\"a\".\"b\"@b.test")]
    [InlineData("\"a\r\n b\"@b.test")]
    [InlineData("<a@b\r\n .test>")]
    [InlineData("a.\"b\"@b.test")]
    [InlineData(".a@b.test")]
    [InlineData(".A <a@b.test>")]
    [InlineData("a.@b.test")]
    [InlineData("a..b@b.test")]
    [InlineData("a@b..test")]
    [InlineData("a@.test")]
    [InlineData("a@b.test.")]
    [InlineData("a@[192.0.2.1]")]
    [InlineData("=?utf-8?q?c=40d.test=3E?=@b.test")]
    [InlineData("<=?utf-8?q?c?=@b.test>")]
    [InlineData("\"=?utf-8?q?c?=\"@b.test")]
    [InlineData("us: a@b.test")]
    [InlineData("us: them: a@b.test;;")]
    [InlineData(": a@b.test;")]
    [InlineData("us: a@b.test; c@d.test")]
    [InlineData("a@b.test;")]
    [InlineData("a@b.test\\")]
    public void WhatCouldBeReadInTwoWaysIsRefused(string value) => Assert.Equal(HeaderFault.UnclearAddress, Submitted.From(value).Fault);

    [Theory]
    [InlineData("Jörg <jörg@bücher.test>", "jörg@bücher.test")]
    [InlineData("用户@例え.test", "用户@例え.test")]
    public void WithSmtpUtf8AddressesAreUnicode(string value, string address)
    {
        var sender = Assert.Single(Submitted.From(value, smtpUtf8: true).Senders);
        Assert.Equal(address, $"{sender.Localpart}@{sender.Domain}");
        Assert.Equal(HeaderFault.NeedsSmtpUtf8, Submitted.From(value).Fault);
    }

    [Theory]
    [InlineData("a\u202ec@b.test")]
    [InlineData("a\u200b@b.test")]
    [InlineData("a@b\u00a0.test")]
    [InlineData("a@b.test\u00a0")]
    public void WhatCantBeSeenIsInNoAddress(string value) => Assert.Equal(HeaderFault.UnclearAddress, Submitted.From(value, smtpUtf8: true).Fault);
}
