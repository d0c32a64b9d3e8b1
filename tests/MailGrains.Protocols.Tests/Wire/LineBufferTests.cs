using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using CsCheck;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Wire;

public sealed class LineBufferTests
{
    private const int MaxLineBytes = 8;

    [Fact]
    public void LinesAreTheSameHoweverTheyAreSplitAndNothingOverTheLimitIsHeld() =>
        Gen.Select(Gen.Char["\r\nab\0"].Array[0, 60].Select(chars => new string(chars)), Gen.Int[1, 7]).Sample((text, pieceBytes) =>
        {
            var whole = Cut(text, text.Length + 1);
            var split = Cut(text, pieceBytes);
            Assert.Equal(whole, split);
        }, iter: 20_000);

    [Fact]
    public void LineThatIsLongerThanALineMayBeIsEndless()
    {
        var lines = new LineBuffer(MaxLineBytes);
        var dropped = 0;
        LineStatus status;
        do
        {
            lines.Accept(new ReadOnlySequence<byte>(new byte[4_096]));
            status = lines.TryTakeLine(out _);
            Assert.True(lines.Unread.IsEmpty);
            dropped += 4_096;
        }
        while (status == LineStatus.Incomplete);
        Assert.Equal(LineStatus.Endless, status);
        Assert.InRange(dropped, LineBuffer.MaxDroppedBytes, LineBuffer.MaxDroppedBytes + 4_096);
    }

    private static List<string> Cut(string text, int pieceBytes)
    {
        var pipe = new Pipe();
        var lines = new LineBuffer(MaxLineBytes);
        var found = new List<string>();
        var octets = Encoding.Latin1.GetBytes(text);
        for (var at = 0; at < octets.Length; at += pieceBytes)
        {
            // Segments of their own, so that lines span them.
            var piece = octets.AsMemory(at, Math.Min(pieceBytes, octets.Length - at));
            piece.CopyTo(pipe.Writer.GetMemory(5_000));
            pipe.Writer.Advance(piece.Length);
            pipe.Writer.FlushAsync().AsTask().GetAwaiter().GetResult();
            pipe.Reader.TryRead(out var result);
            lines.Accept(result.Buffer);
            while (lines.TryTakeLine(out var line) is var status && status != LineStatus.Incomplete)
            {
                found.Add($"{status}:{Encoding.Latin1.GetString(line)}");
            }

            Assert.True(lines.Unread.Length <= MaxLineBytes);
            pipe.Reader.AdvanceTo(lines.Unread.Start, lines.Unread.End);
        }

        return found;
    }
}
