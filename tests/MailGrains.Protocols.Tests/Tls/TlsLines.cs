using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Text;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Tls;

/// <summary>The client's side of a line protocol under TLS.</summary>
public sealed class TlsLines(SslStream stream)
{
    private readonly PipeReader _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));

    public async Task<string> AskAsync(string command)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(command + "\r\n"));
        return await ReadReplyAsync();
    }

    /// <summary>Where an answer is one line.</summary>
    public async Task<string> AskLineAsync(string command)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(command + "\r\n"));
        return await ReadLineAsync();
    }

    public async Task<string> ReadReplyAsync()
    {
        var lines = new List<string>();
        do
        {
            lines.Add(await ReadLineAsync());
        }
        while (lines[^1].Length > 3 && lines[^1][3] == '-');
        return string.Join('\n', lines);
    }

    public async Task<string> ReadLineAsync()
    {
        while (true)
        {
            var result = await _reader.ReadAsync().AsTask().WaitAsync(WireClient.Patience);
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position)).TrimEnd('\r');
                _reader.AdvanceTo(result.Buffer.GetPosition(1, position));
                return line;
            }

            _reader.AdvanceTo(result.Buffer.Start, result.IsCompleted ? throw new EndOfStreamException() : result.Buffer.End);
        }
    }
}
