using System.IO.Pipelines;
using System.Net;
using System.Text;
using MailGrains.Gateways.Connections;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;
using static MailGrains.Gateways.Tests.Connections.ProxyHeaders;

namespace MailGrains.Gateways.Tests.Connections;

public sealed class ProxyProtocolTests : IAsyncDisposable
{
    private static readonly ConnectionOptions OneProxy = new()
    {
        ProxyNetworks = new NetworkList([IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("127.0.0.1/32")]),
    };

    private readonly FakeTimeProvider _time = new();
    private readonly RecordedLog<ProxyProtocol> _log = new();
    private readonly Pipe _input = new();
    private readonly DefaultConnectionContext _connection;
    private string? _seen;

    public ProxyProtocolTests()
    {
        _connection = new DefaultConnectionContext(
            "1", new Both(_input.Reader, new Pipe().Writer), new Both(new Pipe().Reader, _input.Writer))
        {
            LocalEndPoint = IPEndPoint.Parse("192.0.2.9:25"),
        };
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    [Fact]
    public async Task FromAProxyTheSessionSeesTheClientsAddressAndWhatFollowsTheHeader()
    {
        var running = Run("192.0.2.1");
        foreach (var octet in (byte[])[.. V2WithChecksum(0x11, Addresses("203.0.113.5", "198.51.100.1", 1234, 25)), .. "EHLO x\r\n"u8])
        {
            await _input.Writer.WriteAsync(new[] { octet }, TestContext.Current.CancellationToken);
        }

        await EndAsync(running);

        var peer = new PeerFacts(_connection, OneProxy);
        Assert.Equal("EHLO x\r\n", _seen);
        Assert.Equal("203.0.113.5", peer.Address.ToString());
        Assert.True(peer.ViaProxy);
        Assert.False(peer.IsTrusted);
        Assert.Equal("198.51.100.1:25", _connection.LocalEndPoint!.ToString());
    }

    [Fact]
    public async Task FromAnyOtherAddressAHeaderIsTheClientsData()
    {
        var running = Run("198.51.100.7");
        await _input.Writer.WriteAsync(V1("PROXY TCP4 127.0.0.1 127.0.0.1 1 25"), TestContext.Current.CancellationToken);
        await EndAsync(running);

        var peer = new PeerFacts(_connection, OneProxy);
        Assert.Equal("PROXY TCP4 127.0.0.1 127.0.0.1 1 25\r\n", _seen);
        Assert.Equal("198.51.100.7", peer.Address.ToString());
        Assert.False(peer.IsTrusted || peer.ViaProxy || peer.IsClearTextAllowed);
    }

    [Fact]
    public async Task AProxyThatNamesNoClientLendsNoTrust()
    {
        var running = Run("127.0.0.1");
        await _input.Writer.WriteAsync(V1("PROXY UNKNOWN"), TestContext.Current.CancellationToken);
        await EndAsync(running);

        var peer = new PeerFacts(_connection, OneProxy);
        Assert.Equal("127.0.0.1", peer.Address.ToString());
        Assert.False(peer.IsTrusted);
    }

    [Fact]
    public async Task AClientThatAProxyCallsLoopbackIsAllowedNoClearText()
    {
        var running = Run("127.0.0.1");
        await _input.Writer.WriteAsync(V1("PROXY TCP4 127.0.0.1 127.0.0.1 1 25"), TestContext.Current.CancellationToken);
        await EndAsync(running);

        Assert.False(new PeerFacts(_connection, OneProxy).IsClearTextAllowed);
    }

    [Fact]
    public async Task AProxysOwnConnectionKeepsItsAddress()
    {
        var running = Run("192.0.2.1");
        await _input.Writer.WriteAsync(V2(Local, 0), TestContext.Current.CancellationToken);
        await EndAsync(running);

        Assert.Equal("", _seen);
        Assert.Equal("192.0.2.1", new PeerFacts(_connection, OneProxy).Address.ToString());
    }

    [Fact]
    public async Task AProxyWithoutAHeaderIsClosedAndLogged()
    {
        var running = Run("192.0.2.1");
        await _input.Writer.WriteAsync("EHLO client.test\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await running;

        Assert.Null(_seen);
        Assert.Equal(["Warning: Connection from the proxy 192.0.2.1 closed: what it sent is no PROXY header"], _log.Lines);
    }

    [Fact]
    public async Task AProxyThatSaysNothingIsClosedAfterFiveSeconds()
    {
        var running = Run("192.0.2.1");
        await _input.Writer.WriteAsync("PROXY "u8.ToArray(), TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(running.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        await running;

        Assert.Null(_seen);
        Assert.Equal(["Warning: Connection from the proxy 192.0.2.1 closed: its PROXY header did not come in time"], _log.Lines);
    }

    [Theory]
    [InlineData("", "Debug")]
    [InlineData("PROXY TCP4 ", "Warning")]
    public async Task AProxyThatClosesBeforeTheEndOfItsHeaderIsLogged(string sent, string level)
    {
        var running = Run("192.0.2.1");
        await _input.Writer.WriteAsync(Encoding.Latin1.GetBytes(sent), TestContext.Current.CancellationToken);
        await EndAsync(running);

        Assert.Null(_seen);
        Assert.Equal([$"{level}: The proxy 192.0.2.1 closed its connection before the end of a PROXY header"], _log.Lines);
    }

    private async Task Run(string remote)
    {
        _connection.RemoteEndPoint = new IPEndPoint(IPAddress.Parse(remote), 40_000);
        await new ProxyProtocol(OneProxy, _time, _log).Before(ReadAllAsync)(_connection);
    }

    private async Task EndAsync(Task running)
    {
        await _input.Writer.CompleteAsync();
        await running;
    }

    private async Task ReadAllAsync(ConnectionContext connection)
    {
        using var reader = new StreamReader(connection.Transport.Input.AsStream(), Encoding.Latin1);
        _seen = await reader.ReadToEndAsync();
    }

    private sealed record Both(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
