using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace MailGrains.Gateways.Tests.Wire;

/// <summary>A connection in memory to one of the gateways, from loopback unless a peer is given. Text is Latin-1, one char an octet.</summary>
internal sealed class WireConnection : IAsyncDisposable
{
    // Not a time that anything is measured by: a test that hangs fails.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DefaultConnectionContext _connection;
    private readonly Task _session;

    public WireConnection(ConnectionDelegate gateway, IPAddress? peer = null)
    {
        var toServer = new Pipe();
        var toClient = new Pipe();
        _connection = new DefaultConnectionContext(
            Guid.NewGuid().ToString("n"), new End(toServer.Reader, toClient.Writer), new End(toClient.Reader, toServer.Writer))
        {
            LocalEndPoint = new IPEndPoint(IPAddress.Loopback, 2525),
            RemoteEndPoint = new IPEndPoint(peer ?? IPAddress.Loopback, 40_000),
        };
        _session = RunAsync(gateway);
    }

    /// <summary>Done when the gateway has let go of the connection.</summary>
    public Task Session => _session;

    private PipeReader Input => _connection.Application!.Input;

    private PipeWriter Output => _connection.Application!.Output;

    public async Task SendAsync(string text) => await Output.WriteAsync(Encoding.Latin1.GetBytes(text)).AsTask().WaitAsync(Patience);

    /// <summary>The next line without its CRLF.</summary>
    public async Task<string> ReadLineAsync()
    {
        while (true)
        {
            var result = await Input.ReadAsync().AsTask().WaitAsync(Patience);
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position));
                Input.AdvanceTo(result.Buffer.GetPosition(1, position));
                Assert.EndsWith("\r", line, StringComparison.Ordinal);
                return line[..^1];
            }

            if (result.IsCompleted)
            {
                throw new EndOfStreamException("The gateway closed the connection.");
            }

            Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>The client has no more to say; it reads on.</summary>
    public async Task HangUpAsync() => await Output.CompleteAsync();

    /// <summary>All that comes until the gateway closes the connection.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var text = new StringBuilder();
        while (true)
        {
            var result = await Input.ReadAsync().AsTask().WaitAsync(Patience);
            text.Append(Encoding.Latin1.GetString(result.Buffer));
            Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return text.ToString();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Output.CompleteAsync();
        await _session.WaitAsync(Patience);
        await Input.CompleteAsync();
        await _connection.DisposeAsync();
    }

    private async Task RunAsync(ConnectionDelegate gateway)
    {
        await gateway(_connection);
        await _connection.Transport.Output.CompleteAsync();
        await _connection.Transport.Input.CompleteAsync();
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
