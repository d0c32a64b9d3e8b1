using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Pop3;

public sealed class Pop3TlsTests
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    private readonly Pop3Fixture _fixture = new() { Sasl = SaslPolicy.None, Certificates = _ => TestCertificate.Server };

    [Fact]
    public async Task InClearThereIsStlsAndNoLogin()
    {
        var client = await _fixture.ConnectAsync();
        Assert.StartsWith("-ERR", await Pop3Fixture.AskAsync(client, $"USER {Pop3Fixture.Alice}"), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await Pop3Fixture.AskAsync(client, "CAPA"), StringComparison.Ordinal);
        var capabilities = new List<string?>();
        do
        {
            capabilities.Add(await client.ReadLineAsync());
        }
        while (capabilities[^1] != ".");
        Assert.Contains("STLS", capabilities);
        Assert.DoesNotContain(capabilities, line => line is "USER" || line!.StartsWith("SASL", StringComparison.Ordinal));
    }

    /// <summary>CVE-2021-33515: what came in clear behind STLS, in the same packet.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("CAPA\r\n")]
    [InlineData("USER alice@example.test\r\nPASS secret word\r\n")]
    [InlineData("NOO")]
    public async Task LoginIsTakenUnderTlsAndNothingFromBeforeItIsAnswered(string injected)
    {
        var client = await _fixture.ConnectAsync();
        await client.SendAsync("STLS\r\n" + injected);
        Assert.StartsWith("+OK", await client.ReadLineAsync(), StringComparison.Ordinal);
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "pop.example.test", _cancellation);
        var inside = new TlsLines(tls);
        Assert.StartsWith("-ERR TLS is active", await inside.AskLineAsync("STLS"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR", await inside.AskLineAsync("PASS secret word"), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await inside.AskLineAsync($"USER {Pop3Fixture.Alice}"), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await inside.AskLineAsync("PASS secret word"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR", await inside.AskLineAsync("STLS"), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await inside.AskLineAsync("QUIT"), StringComparison.Ordinal);
        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, _cancellation));
    }

    [Fact]
    public async Task ImplicitTlsGreetsInside()
    {
        var fixture = new Pop3Fixture
        {
            Options = new Pop3ServerOptions { HostName = "pop.example.test", ImplicitTls = true },
            Sasl = SaslPolicy.None,
            Certificates = _ => TestCertificate.Server,
        };
        var client = fixture.Open();
        await using var tls = await TestCertificate.ConnectAsync(new DuplexStream(client.Transport), "pop.example.test", _cancellation);
        var inside = new TlsLines(tls);
        Assert.StartsWith("+OK", await inside.ReadLineAsync(), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await inside.AskLineAsync("QUIT"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task WithoutACertificateThereIsNoStls()
    {
        var client = await new Pop3Fixture().ConnectAsync();
        Assert.StartsWith("-ERR", await Pop3Fixture.AskAsync(client, "STLS"), StringComparison.Ordinal);
    }
}
