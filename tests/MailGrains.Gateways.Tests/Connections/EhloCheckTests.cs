using System.Net;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Connections.Lookups;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class EhloCheckTests
{
    private static readonly IPAddress Local = IPAddress.Parse("198.51.100.1");
    private static readonly ReverseName Reverse = new(ReverseNameStatus.Confirmed, "mail.sender.test");

    [Theory]
    [InlineData("other.sender.test", "fqdn")]
    [InlineData("MAIL.sender.test.", "fqdn reverse")]
    [InlineData("bücher.test", "fqdn")]
    [InlineData("MX.hosting.test", "fqdn ours")]
    [InlineData("hosted.test", "fqdn ours")]
    [InlineData("localhost", "ours")]
    [InlineData("desktop", "")]
    [InlineData("192.0.2.1", "")]
    [InlineData("-bad.test", "")]
    [InlineData("two..test", "")]
    [InlineData("[192.0.2.1]", "literal")]
    [InlineData("[192.0.2.2]", "foreign")]
    [InlineData("[198.51.100.1]", "foreign ours")]
    [InlineData("[IPv6:2001:db8::1]", "foreign")]
    [InlineData("[IPv6:::ffff:192.0.2.1]", "literal")]
    [InlineData("[2001:db8::1]", "")]
    [InlineData("[]", "")]
    [InlineData("", "")]
    public void ANameIsWorthWhatCanBeKnownOfIt(string name, string expected)
    {
        var check = EhloCheck.Of(name, IPAddress.Parse("192.0.2.1"), Local, "mx.hosting.test", Reverse, isHosted: name == "hosted.test");

        (string Word, bool IsSo)[] facts =
        [
            ("fqdn", check.IsFullyQualified), ("literal", check.IsOwnLiteral), ("foreign", check.IsForeignLiteral),
            ("ours", check.ClaimsOurName), ("reverse", check.IsReverseName),
        ];
        Assert.Equal(expected, string.Join(' ', facts.Where(f => f.IsSo).Select(f => f.Word)));
    }

    [Fact]
    public void AnUnconfirmedNameIsNoReverseName()
    {
        var unconfirmed = new ReverseName(ReverseNameStatus.Unconfirmed, "mail.sender.test");

        Assert.False(EhloCheck.Of("mail.sender.test", IPAddress.Parse("192.0.2.1"), null, "mx.hosting.test", unconfirmed, isHosted: false).IsReverseName);
    }
}
