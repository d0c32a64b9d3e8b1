using System.Buffers;
using System.IO.Pipelines;

namespace MailGrains.Protocols.Tests.Wire;

/// <summary>
/// A connection in memory, with back-pressure as a socket has it. Both sides run inline: when a write returns, the other side has done all that it can
/// do with it, so a test needs no waiting to know that a session has seen a piece.
/// </summary>
public sealed class PipePair
{
    public PipePair(MemoryPool<byte>? pool = null)
    {
        var options = new PipeOptions(pool, PipeScheduler.Inline, PipeScheduler.Inline, useSynchronizationContext: false);
        var toServer = new Pipe(options);
        var toClient = new Pipe(options);
        Server = new End(toServer.Reader, toClient.Writer);
        Client = new End(toClient.Reader, toServer.Writer);
    }

    public IDuplexPipe Server { get; }

    public IDuplexPipe Client { get; }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
