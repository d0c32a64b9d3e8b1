using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Wire;

/// <summary>The client side of a session under test, and the session's task. Text is Latin-1, one char an octet.</summary>
public sealed class WireClient
{
    /// <summary>Not a time that anything is measured by: a test that hangs fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly PipePair _pipes;

    public WireClient(Func<IDuplexPipe, Task<SessionEnd>> run, MemoryPool<byte>? pool = null)
    {
        _pipes = new PipePair(pool);
        Session = RunAsync(run);
    }

    public Task<SessionEnd> Session { get; }

    public IDuplexPipe Transport => _pipes.Client;

    /// <summary>The octets in pieces of <paramref name="pieceBytes"/>, each seen by the server on its own; 0 for one piece.</summary>
    public async Task SendAsync(string text, int pieceBytes = 0)
    {
        var octets = Encoding.Latin1.GetBytes(text);
        var size = pieceBytes == 0 ? Math.Max(1, octets.Length) : pieceBytes;
        for (var at = 0; at < octets.Length; at += size)
        {
            var result = await Transport.Output.WriteAsync(octets.AsMemory(at, Math.Min(size, octets.Length - at))).AsTask().WaitAsync(Patience);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    public async Task HangUpAsync() => await Transport.Output.CompleteAsync();

    /// <summary>The next line without its CRLF; null at the end.</summary>
    public async Task<string?> ReadLineAsync()
    {
        while (true)
        {
            var result = await Transport.Input.ReadAsync().AsTask().WaitAsync(Patience);
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position));
                Transport.Input.AdvanceTo(result.Buffer.GetPosition(1, position));
                Assert.EndsWith("\r", line, StringComparison.Ordinal);
                return line[..^1];
            }

            if (result.IsCompleted)
            {
                Assert.True(result.Buffer.IsEmpty, "the last line has no end");
                return null;
            }

            Transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>All lines of an SMTP reply, joined by LF.</summary>
    public async Task<string> ReadReplyAsync()
    {
        var lines = new List<string>();
        do
        {
            lines.Add(await ReadLineAsync() ?? throw new EndOfStreamException(string.Join('\n', lines)));
        }
        while (lines[^1].Length > 3 && lines[^1][3] == '-');
        return string.Join('\n', lines);
    }

    public async Task<string> AskAsync(string command)
    {
        await SendAsync(command + "\r\n");
        return await ReadReplyAsync();
    }

    /// <summary>Everything up to the end of the connection.</summary>
    public async Task<List<string>> ReadToEndAsync()
    {
        var lines = new List<string>();
        while (await ReadLineAsync() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }

    private async Task<SessionEnd> RunAsync(Func<IDuplexPipe, Task<SessionEnd>> run)
    {
        var end = await run(_pipes.Server);
        await _pipes.Server.Output.CompleteAsync();
        await _pipes.Server.Input.CompleteAsync();
        return end;
    }
}
