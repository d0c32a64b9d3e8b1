using System.Net;
using MailGrains.Contracts.Directory;

namespace MailGrains.Contracts.Tests.Directory;

public sealed class LoginPeerTests
{
    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8::", "2001:db8::/64")]
    [InlineData("2001:db8::1", "2001:db8::/64")]
    [InlineData("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8::/64")]
    [InlineData("2001:DB8:1:2:3::4", "2001:db8:1:2::/64")]
    [InlineData("::1", "::/64")]
    [InlineData("fe80::1%7", "fe80::/64")]
    public void AddressCountsByItselfOrByItsNetwork(string address, string peer) => Assert.Equal(peer, LoginPeer.Of(IPAddress.Parse(address)));
}
