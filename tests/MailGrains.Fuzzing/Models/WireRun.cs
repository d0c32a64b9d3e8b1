using System.Buffers;
using System.IO.Pipelines;
using MailGrains.Protocols.Wire;

namespace MailGrains.Fuzzing.Models;

/// <summary>What a session said to what it was sent.</summary>
/// <param name="Sent">All of it, in one piece.</param>
/// <param name="EndedItself">The session was over before the client hung up.</param>
internal sealed record Transcript(byte[] Sent, byte[] Output, bool EndedItself, SessionEnd End);

/// <summary>
/// Runs one session over pipes in memory whose both sides run inline: when a packet is written, the session has done all that it does with it. Output is
/// read at once, time stands still, and nothing depends on another thread.
/// </summary>
internal sealed class WireRun
{
    private static readonly PipeOptions ToServer = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);

    private static readonly PipeOptions ToClient = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    private readonly Pipe _toServer = new(ToServer);
    private readonly Pipe _toClient = new(ToClient);
    private readonly ArrayBufferWriter<byte> _output = new();

    /// <param name="prefix">Sent first, as one packet.</param>
    /// <param name="input">See <see cref="Packets"/>.</param>
    public static Transcript Play(Func<IDuplexPipe, Task<SessionEnd>> run, byte[] prefix, byte[] input)
    {
        var wire = new WireRun();
        var session = wire.RunAsync(run);
        wire.Read();
        wire.Send(prefix);
        foreach (var packet in Packets.Cut(input))
        {
            wire.Send(packet);
        }

        var endedItself = session.IsCompleted;
        wire._toServer.Writer.Complete();
        wire.Read();
        Check.That(session.IsCompleted, "the client has gone and the session waits for something else");
        byte[] sent = [.. prefix, .. Packets.Content(input)];

        // The longest reply is HELP's, and every line has one.
        var output = wire._output.WrittenSpan.ToArray();
        Check.That(output.Length <= 1_024L * (sent.AsSpan().Count((byte)'\n') + 3), $"{output.Length} octets are said to {sent.Length}");
        return new Transcript(sent, output, endedItself, session.GetAwaiter().GetResult());
    }

    private void Send(ReadOnlyMemory<byte> packet)
    {
        if (packet.IsEmpty)
        {
            return;
        }

        _toServer.Writer.Write(packet.Span);
        _ = _toServer.Writer.FlushAsync().AsTask();
        Read();
    }

    private void Read()
    {
        while (_toClient.Reader.TryRead(out var result))
        {
            foreach (var segment in result.Buffer)
            {
                _output.Write(segment.Span);
            }

            _toClient.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }
        }
    }

    private async Task<SessionEnd> RunAsync(Func<IDuplexPipe, Task<SessionEnd>> run)
    {
        var end = await run(new End(_toServer.Reader, _toClient.Writer));
        await _toClient.Writer.CompleteAsync();
        await _toServer.Reader.CompleteAsync();
        return end;
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
