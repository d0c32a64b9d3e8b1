using System.IO.Pipelines;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Wire;

namespace MailGrains.Fuzzing.Targets;

/// <summary><see cref="LineBuffer"/>: the same lines however they come, and never more than one held.</summary>
internal static class LineTarget
{
    private const int MaxLineBytes = 16;

    public static FuzzTarget Target { get; } = new(
        "line", Octets.All("\0NOOP\r\nQUIT\r\n", "\u0003a\nb\r\n\r\nc"), Octets.All("\r\n", "\n", "\r", "\0", "NOOP", "12345678901234", "1234567890123456"), Run);

    private static void Run(byte[] input)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));
        var lines = new LineBuffer(MaxLineBytes);
        var found = new List<(LineStatus Status, string Text)>();
        foreach (var packet in Packets.Cut(input))
        {
            // Segments of their own, so that lines span them.
            packet.CopyTo(pipe.Writer.GetMemory(packet.Length + 4_000));
            pipe.Writer.Advance(packet.Length);
            _ = pipe.Writer.FlushAsync().AsTask().GetAwaiter().GetResult();
            pipe.Reader.TryRead(out var result);
            lines.Accept(result.Buffer);
            while (lines.TryTakeLine(out var line) is var status && status != LineStatus.Incomplete)
            {
                found.Add((status, Octets.Text(line)));
            }

            Check.That(lines.Unread.Length <= MaxLineBytes, $"{lines.Unread.Length} octets are held");
            pipe.Reader.AdvanceTo(lines.Unread.Start, lines.Unread.End);
        }

        Check.That(found.SequenceEqual(Expected(Octets.Text(Packets.Content(input)))), "other lines than there are");
    }

    private static IEnumerable<(LineStatus Status, string Text)> Expected(string text)
    {
        var parts = text.Split('\n');
        foreach (var part in parts[..^1])
        {
            var status = part.Length >= MaxLineBytes ? LineStatus.TooLong
                : part.EndsWith('\r') && part.AsSpan(0, part.Length - 1).IndexOfAny('\r', '\0') < 0 ? LineStatus.Line
                : LineStatus.BadLine;
            yield return (status, status == LineStatus.Line ? part[..^1] : "");
        }
    }
}
