using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Sasl;

/// <summary>OAUTHBEARER and XOAUTH2; an octet 0x01 is written as ^.</summary>
public sealed class BearerExchangeTests
{
    [Theory]
    [InlineData("n,a=alice@example.test,^auth=Bearer abc^^", "alice@example.test")]
    [InlineData("n,,^auth=bearer abc^^", "")]
    [InlineData("y,a=a=2Cb,^host=h^port=1^Auth=Bearer abc^mail=x y\t^^", "a,b")]
    public void OAuthBearerIsTakenApart(string message, string user) =>
        Assert.Equal(new BearerCredentials(user, "", "abc"), OAuthBearerMessage.Decode(Octets(message)));

    [Theory]
    [InlineData("")]
    [InlineData("n,,")]
    [InlineData("n,,^^")]
    [InlineData("n,,^host=h^^")]
    [InlineData("^auth=Bearer abc^^")]
    [InlineData("n,,auth=Bearer abc^^")]
    [InlineData("n,,^auth=Bearer abc^")]
    [InlineData("n,,^auth=Bearer abc^^^")]
    [InlineData("n,,^auth=Bearer ^^")]
    [InlineData("n,,^auth=Bearer a c^^")]
    [InlineData("n,,^auth=Basic abc^^")]
    [InlineData("n,,^auth=abc^^")]
    [InlineData("n,,^auth=Bearer abc^auth=Bearer abc^^")]
    [InlineData("n,,^auth=Bearer abc^=x^^")]
    [InlineData("n,,^auth=Bearer abc^h0=x^^")]
    [InlineData("n,,^host=\0^auth=Bearer abc^^")]
    [InlineData("n,,^host=ä^auth=Bearer abc^^")]
    [InlineData("p=tls-server-end-point,,^auth=Bearer abc^^")]
    public void MalformedOAuthBearerIsRefused(string message) => Assert.Null(OAuthBearerMessage.Decode(Octets(message)));

    [Theory]
    [InlineData("")]
    [InlineData("user=^auth=Bearer abc^^")]
    [InlineData("user=alice^auth=Bearer abc^")]
    [InlineData("user=alice^auth=Bearer abc^^^")]
    [InlineData("user=alice^auth=Bearer ^^")]
    [InlineData("user=alice^auth=Basic abc^^")]
    [InlineData("user=al\nice^auth=Bearer abc^^")]
    [InlineData("auth=Bearer abc^user=alice^^")]
    [InlineData("user=alice^^")]
    public void MalformedXOAuth2IsRefused(string message) => Assert.Null(XOAuth2Message.Decode(Octets(message)));

    [Fact]
    public void BoundsHoldAndNoTokenIsPrinted()
    {
        var (name, token) = (new string('n', 255), new string('t', 8_192));
        Assert.DoesNotContain("ttt", OAuthBearerMessage.Decode(Octets($"n,a={name},^auth=Bearer {token}^^"))!.ToString(), StringComparison.Ordinal);
        Assert.Equal(new BearerCredentials(name, "", token), XOAuth2Message.Decode(Octets($"user={name}^auth=Bearer {token}^^")));
        Assert.Null(OAuthBearerMessage.Decode(Octets($"n,a={name},^auth=Bearer {token}t^^")));
        Assert.Null(OAuthBearerMessage.Decode(Octets($"n,a={name}n,^auth=Bearer {token}^^")));
        Assert.Null(XOAuth2Message.Decode(Octets($"user={name}^auth=Bearer {token}t^^")));
        Assert.Null(XOAuth2Message.Decode(Octets($"user={name}n^auth=Bearer {token}^^")));
    }

    [Theory]
    [InlineData("OAUTHBEARER", "n,a=alice@example.test,^auth=Bearer wrong^^", "^", """{"status":"invalid_token"}""")]
    [InlineData("OAUTHBEARER", "n,a=bob@example.test,^auth=Bearer right^^", "^", """{"status":"invalid_token"}""")]
    [InlineData("XOAUTH2", "user=alice@example.test^auth=Bearer wrong^^", "", """{"status":"401","schemes":"bearer"}""")]
    [InlineData("XOAUTH2", "user=bob@example.test^auth=Bearer right^^", "anything", """{"status":"401","schemes":"bearer"}""")]
    public async Task RefusedTokenIsExplainedBeforeItFails(string mechanism, string message, string dummy, string json)
    {
        var store = new InMemoryMailStore();
        store.AddMailbox("alice", "example.test", "secret");
        store.AddToken("alice@example.test", "right");
        var conversation = SaslConversation.Begin(Octets(mechanism), SaslScript.Policy, new InMemorySaslBackend(store))!;
        var step = await conversation.NextAsync(Octets(message), TestContext.Current.CancellationToken);
        Assert.Equal((SaslOutcome.Challenge, json), (step.Outcome, Encoding.UTF8.GetString(step.Challenge.Span)));
        step = await conversation.NextAsync(Octets(dummy), TestContext.Current.CancellationToken);
        Assert.Equal((SaslOutcome.Finished, SaslStatus.BadCredentials), (step.Outcome, step.Result!.Status));
    }

    private static byte[] Octets(string text) => Encoding.UTF8.GetBytes(text.Replace('^', '\u0001'));
}
