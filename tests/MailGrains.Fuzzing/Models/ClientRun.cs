using System.Buffers;
using System.IO.Pipelines;

namespace MailGrains.Fuzzing.Models;

/// <summary>
/// Runs a client against a server that says what the input says, whatever it is told, then closes. Pipes are in memory and both sides run inline, so all
/// that a packet leads to has happened when it is written.
/// </summary>
internal sealed class ClientRun
{
    private static readonly PipeOptions Inline = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);

    private readonly Pipe _toClient = new(Inline);
    private readonly Pipe _toServer = new(Inline);
    private readonly ArrayBufferWriter<byte> _output = new();

    private ClientRun()
    {
    }

    /// <summary>Octets that the server has said so far.</summary>
    public int SaidBytes { get; private set; }

    /// <summary>What the client has sent so far.</summary>
    public ReadOnlySpan<byte> Output
    {
        get
        {
            Read();
            return _output.WrittenSpan;
        }
    }

    /// <param name="run">Must have ended when the server has closed.</param>
    /// <param name="prefix">Said first, as one packet.</param>
    /// <param name="input">Its first octet says how the others are cut: 0 behind each line, so that nothing comes before it is asked for; else see <see cref="Packets"/>.</param>
    public static ClientRun Play(Func<IDuplexPipe, ClientRun, Task> run, byte[] prefix, byte[] input)
    {
        var wire = new ClientRun();
        var client = run(new End(wire._toClient.Reader, wire._toServer.Writer), wire);
        wire.Say(prefix);
        foreach (var packet in input is [0, ..] ? Lines(input) : Packets.Cut(input))
        {
            wire.Say(packet);
        }

        wire._toClient.Writer.Complete();
        Check.That(client.IsCompleted, "the server has gone and the client waits for something else");
        client.GetAwaiter().GetResult();
        return wire;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(byte[] input)
    {
        var rest = input.AsMemory(1);
        while (!rest.IsEmpty)
        {
            var end = rest.Span.IndexOf((byte)'\n') is var at && at < 0 ? rest.Length : at + 1;
            yield return rest[..end];
            rest = rest[end..];
        }
    }

    private void Say(ReadOnlyMemory<byte> packet)
    {
        if (!packet.IsEmpty)
        {
            SaidBytes += packet.Length;
            _toClient.Writer.Write(packet.Span);
            _ = _toClient.Writer.FlushAsync().AsTask();
        }
    }

    private void Read()
    {
        while (_toServer.Reader.TryRead(out var result) && !result.Buffer.IsEmpty)
        {
            foreach (var segment in result.Buffer)
            {
                _output.Write(segment.Span);
            }

            _toServer.Reader.AdvanceTo(result.Buffer.End);
        }
    }

    private sealed record End(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
