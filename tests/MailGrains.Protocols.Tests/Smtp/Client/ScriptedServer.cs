using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Tests.Wire;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>
/// Plays a server's part: <c>S:</c> lines that follow each other are sent in one packet, <c>C:</c> lines must come (a star at their end stands for any
/// rest), <c>X:</c> closes.
/// </summary>
public sealed class ScriptedServer
{
    private readonly IDuplexPipe _transport;

    public ScriptedServer(IDuplexPipe transport, string script)
    {
        _transport = transport;
        Finished = PlayAsync(script.ReplaceLineEndings("\n").Split('\n')).WaitAsync(WireClient.Patience);
    }

    /// <summary>Fails when something else came.</summary>
    public Task Finished { get; }

    /// <summary>Of those that came.</summary>
    public string LastLine { get; private set; } = "";

    private async Task PlayAsync(string[] lines)
    {
        var toSay = new StringBuilder();
        for (var at = 0; at < lines.Length; at++)
        {
            var text = lines[at].Length > 3 ? lines[at][3..] : "";
            switch (lines[at].Split(':')[0])
            {
                case "S":
                    toSay.Append(text).Append("\r\n");
                    if (at + 1 == lines.Length || !lines[at + 1].StartsWith("S:", StringComparison.Ordinal))
                    {
                        await _transport.Output.WriteAsync(Encoding.Latin1.GetBytes(toSay.ToString()));
                        toSay.Clear();
                    }

                    break;
                case "C":
                    var line = LastLine = await ReadLineAsync();
                    Assert.True(text.EndsWith('*') ? line.StartsWith(text[..^1], StringComparison.Ordinal) : line == text, $"{lines[at]}\nbut came: {line}");
                    break;
                default:
                    Assert.Equal("X:", lines[at]);
                    await _transport.Output.CompleteAsync();
                    await _transport.Input.CompleteAsync();
                    break;
            }
        }
    }

    private async Task<string> ReadLineAsync()
    {
        while (true)
        {
            var result = await _transport.Input.ReadAsync();
            if (result.Buffer.PositionOf((byte)'\n') is { } position)
            {
                var line = Encoding.Latin1.GetString(result.Buffer.Slice(0, position));
                _transport.Input.AdvanceTo(result.Buffer.GetPosition(1, position));
                Assert.EndsWith("\r", line, StringComparison.Ordinal);
                return line[..^1];
            }

            _transport.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (result.IsCompleted)
            {
                return "<closed>";
            }
        }
    }
}
