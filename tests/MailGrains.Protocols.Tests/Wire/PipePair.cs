using System.IO.Pipelines;

namespace MailGrains.Protocols.Tests.Wire;

/// <summary>A connection in memory: what one side writes the other reads, with back-pressure as a socket has it.</summary>
public sealed class PipePair
{
    private readonly Pipe _toServer;
    private readonly Pipe _toClient;

    public PipePair(PipeOptions? options = null)
    {
        _toServer = new Pipe(options ?? PipeOptions.Default);
        _toClient = new Pipe(options ?? PipeOptions.Default);
        Server = new End(_toServer.Reader, _toClient.Writer);
        Client = new End(_toClient.Reader, _toServer.Writer);
    }

    public IDuplexPipe Server { get; }

    public IDuplexPipe Client { get; }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
