using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Text;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Servers whose TLS is broken, and those who speak in clear where only TLS may.</summary>
public sealed class SmtpClientTlsFaultTests
{
    private const string UpToTls = """
        S: 220 mx
        C: EHLO client.example
        S: 250-mx
        S: 250 STARTTLS
        C: STARTTLS

        """;

    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData("X:", TlsFailureKind.Handshake)]
    [InlineData("S: 250 or shall we stay in clear?", TlsFailureKind.Handshake)]
    [InlineData("S: \u0015\u0003\u0001\0\u0002\u0002\u0028", TlsFailureKind.Handshake)]
    [InlineData("S: \u0016\u0003\u0003\u0040\0\u0002", TlsFailureKind.TimedOut)]
    [InlineData("C: nothing comes", TlsFailureKind.TimedOut)]
    public async Task BrokenHandshakeEndsTheConnection(string after, TlsFailureKind kind)
    {
        var pipes = new PipePair();
        var server = new ScriptedServer(pipes.Server, UpToTls + "S: 220 go");
        await using var connection = Connect(pipes);
        Assert.True((await connection.OpenAsync()).IsAccepted);
        var starting = connection.StartTlsAsync(SmtpClientFixture.AnyPeer).AsTask();
        await server.Finished;
        if (!after.StartsWith('C'))
        {
            await new ScriptedServer(pipes.Server, after).Finished;
        }

        while (!starting.IsCompleted && kind == TlsFailureKind.TimedOut)
        {
            _time.Advance(TimeSpan.FromSeconds(10));
        }

        var result = await starting.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken);
        Assert.Equal((SmtpVerdict.Temporary, SmtpStage.StartTls, SmtpCause.TlsFailed), (result.Verdict, result.Stage, result.Cause));
        Assert.Equal(kind, result.Tls!.Kind);
        Assert.False(connection.IsUsable);
        Assert.DoesNotContain(result.Text, char.IsControl);
        Assert.InRange(_time.GetUtcNow() - _time.Start, TimeSpan.Zero, TimeSpan.FromSeconds(70));
        Assert.Equal(SmtpCause.TlsFailed, (await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].Cause);
    }

    /// <summary>CVE-2011-0411, as it meets a client.</summary>
    [Theory]
    [InlineData("250-mx\r\n250-AUTH PLAIN\r\n250 SIZE 666\r\n")]
    [InlineData("250-mx\r\n250 SMTPUTF8\r\n250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n")]
    [InlineData("250-mx\r\n")]
    public async Task WhatCameInClearBehindTheAnswerIsForgotten(string injected)
    {
        var pipes = new PipePair();
        var script = new ScriptedServer(pipes.Server, UpToTls.TrimEnd('\n'));
        await using var connection = Connect(pipes);
        Assert.True((await connection.OpenAsync()).IsAccepted);
        var starting = connection.StartTlsAsync(SmtpClientFixture.AnyPeer).AsTask();
        await script.Finished;
        await pipes.Server.Output.WriteAsync(Encoding.Latin1.GetBytes("220 go\r\n" + injected), TestContext.Current.CancellationToken);

        var secured = new SslStream(new DuplexStream(pipes.Server));
        await secured.AuthenticateAsServerAsync(TestCertificate.Server.ServerOptions(), TestContext.Current.CancellationToken);
        var reading = PipeReader.Create(secured);
        Assert.StartsWith("EHLO ", await ReadLineAsync(reading), StringComparison.Ordinal);
        await secured.WriteAsync("250-mx\r\n250 8BITMIME\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.True((await starting.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken)).IsAccepted);
        Assert.Equal(new SmtpCapabilities { EightBitMime = true }, connection.Capabilities with { Auth = SmtpCapabilities.None.Auth });
        Assert.Empty(connection.Capabilities.Auth);

        var sending = connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n")).AsTask();
        Assert.StartsWith("MAIL ", await ReadLineAsync(reading), StringComparison.Ordinal);
        Assert.False(sending.IsCompleted);
        await secured.WriteAsync("550 5.7.1 no\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal("550 5.7.1 no", (await sending.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken)).Recipients[0].Text);
    }

    [Fact]
    public async Task UnderTlsTooAnAnswerToNothingEndsTheConnection()
    {
        var pipes = new PipePair();
        await using var connection = Connect(pipes);
        var opening = connection.OpenAsync(SmtpClientFixture.AnyPeer).AsTask();
        var secured = new SslStream(new DuplexStream(pipes.Server));
        await secured.AuthenticateAsServerAsync(TestCertificate.Server.ServerOptions(), TestContext.Current.CancellationToken);
        var reading = PipeReader.Create(secured);
        await secured.WriteAsync("220 mx\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await ReadLineAsync(reading);
        await secured.WriteAsync("250 mx\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.True((await opening.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken)).IsAccepted);

        await secured.WriteAsync("250 by the way\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Equal(SmtpCause.BadReply, (await connection.SendAsync(SmtpClientFixture.Mail("A: b\r\n"))).Recipients[0].Cause);
    }

    private SmtpClientConnection Connect(PipePair pipes) => new(pipes.Client, new() { HelloName = "client.example" }, _time, TestContext.Current.CancellationToken);

    private static async Task<string> ReadLineAsync(PipeReader reader)
    {
        while (true)
        {
            var result = await reader.ReadAsync().AsTask().WaitAsync(WireClient.Patience);
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position));
                reader.AdvanceTo(result.Buffer.GetPosition(1, position));
                return line;
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
