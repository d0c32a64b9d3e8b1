using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Protocols.Tests.Smtp.Client;

public sealed class SmtpClientAuthTests
{
    private static readonly PlainCredentials Alice = new("", SmtpClientFixture.Alice, "secret");

    [Theory]
    [InlineData("SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", "SCRAM-SHA-256")]
    [InlineData("LOGIN PLAIN SCRAM-SHA-1", "SCRAM-SHA-1")]
    [InlineData("LOGIN XOAUTH2 plain", "PLAIN")]
    [InlineData("LOGIN", "LOGIN")]
    public async Task BestMechanismThatBothKnowIsUsed(string offered, string used)
    {
        await using var fixture = InClear();
        var connection = fixture.Connect();
        await connection.OpenAsync();
        Offer(connection, offered);
        Assert.True((await connection.AuthenticateAsync(Alice)).IsAccepted);
        Assert.True(connection.IsAuthenticated);
        Assert.Equal(SmtpClientFixture.Alice, fixture.Backend!.Login!.Name);
        Assert.Contains($"\r\nAUTH {used}", fixture.SentText, StringComparison.Ordinal);
        Assert.True((await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].IsAccepted);
    }

    [Theory]
    [InlineData("SCRAM-SHA-256")]
    [InlineData("SCRAM-SHA-1")]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task WrongPasswordIsWhatTheServerSays(string mechanism)
    {
        await using var fixture = InClear();
        var connection = await fixture.OpenAsync();
        Offer(connection, mechanism);
        var result = await connection.AuthenticateAsync(Alice with { Password = "wrong" });
        Assert.Equal((SmtpVerdict.Permanent, SmtpStage.Auth, 535), (result.Verdict, result.Stage, result.Reply!.Code));
        Assert.False(connection.IsAuthenticated);
        Assert.True(connection.IsUsable);
    }

    [Fact]
    public async Task NothingIsSaidInClearUnlessThatIsAllowed()
    {
        await using var fixture = InClear();
        fixture.Options = fixture.Options with { AllowsClearTextLogin = false };
        var connection = await fixture.OpenAsync();
        Assert.NotEmpty(connection.Capabilities.Auth);
        var result = await connection.AuthenticateAsync(Alice);
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.Auth, SmtpCause.NotOffered), (result.Verdict, result.Stage, result.Cause));
        Assert.DoesNotContain("AUTH", fixture.SentText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnderTlsItIsSaid()
    {
        await using var fixture = new SmtpClientFixture();
        var connection = await fixture.OpenAsync();
        Assert.Empty(connection.Capabilities.Auth);
        await connection.StartTlsAsync(SmtpClientFixture.AnyPeer);
        Assert.Contains("SCRAM-SHA-256", connection.Capabilities.Auth);
        Assert.True((await connection.AuthenticateAsync(Alice)).IsAccepted);
    }

    [Theory]
    [InlineData("", "secret")]
    [InlineData("a\0b", "secret")]
    [InlineData("alice", "")]
    public async Task NameOrPasswordThatNoMechanismCarriesIsNotSent(string name, string password)
    {
        await using var fixture = InClear();
        var connection = await fixture.OpenAsync();
        Assert.Equal(SmtpCause.NotOffered, (await connection.AuthenticateAsync(new("", name, password))).Cause);
        Assert.DoesNotContain("AUTH", fixture.SentText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NameWithCommaAndEqualsSignLogsIn()
    {
        await using var fixture = InClear();
        fixture.Store.AddMailbox("a=b,c", "example.test", "pässword");
        var connection = await fixture.OpenAsync();
        Offer(connection, "SCRAM-SHA-256");
        Assert.True((await connection.AuthenticateAsync(new("", "a=b,c@example.test", "pässword"))).IsAccepted);
    }

    private static SmtpClientFixture InClear() => new()
    {
        Connection = new() { AllowsClearTextLogin = true },
        Options = new() { HelloName = "client.example", AllowsClearTextLogin = true },
    };

    /// <summary>As if the server had offered these only.</summary>
    private static void Offer(SmtpClientConnection connection, string offered) =>
        connection.Capabilities = connection.Capabilities with { Auth = offered.Split(' ') };
}
