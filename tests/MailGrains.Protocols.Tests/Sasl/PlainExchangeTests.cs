using System.Text;
using CsCheck;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Sasl;

public sealed class PlainExchangeTests
{
    [Theory]
    [InlineData("\0user\0password", "", "user", "password")]
    [InlineData("admin\0user\0pass word", "admin", "user", "pass word")]
    [InlineData("\0müller\0pä", "", "müller", "pä")]
    public void ResponseIsTakenApart(string response, string authorization, string authentication, string password)
    {
        var credentials = PlainExchange.Decode(Encoding.UTF8.GetBytes(response));
        Assert.Equal(new PlainCredentials(authorization, authentication, password), credentials);
    }

    [Theory]
    [InlineData("")]
    [InlineData("user")]
    [InlineData("user\0password")]
    [InlineData("\0\0password")]
    [InlineData("\0user\0")]
    [InlineData("\0user\0pass\0word")]
    public void MalformedResponseIsRefused(string response) =>
        Assert.Null(PlainExchange.Decode(Encoding.UTF8.GetBytes(response)));

    [Fact]
    public void LongPartsAndBadUtf8AreRefused()
    {
        Assert.Null(PlainExchange.Decode(Encoding.UTF8.GetBytes("\0u\0" + new string('p', 256))));
        Assert.Null(PlainExchange.Decode([0, 0xff, 0, 0x61]));
    }

    [Fact]
    public void NoiseNeverThrows() => Gen.Byte.Array[0, 600].Sample(noise => PlainExchange.Decode(noise) is not { AuthenticationId: "" });

    [Theory]
    [InlineData("AGEAYg==", true)]
    [InlineData("AGEAYg=", false)]
    [InlineData("AGEAYg", false)]
    [InlineData("AGEA Yg==", false)]
    [InlineData("AGE*", false)]
    [InlineData("====", false)]
    [InlineData("", true)]
    public void Base64IsStrict(string text, bool valid) => Assert.Equal(valid, SaslMechanisms.Decode(Encoding.ASCII.GetBytes(text)) is not null);
}
