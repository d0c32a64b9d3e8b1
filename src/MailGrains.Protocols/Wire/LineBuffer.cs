using System.Buffers;

namespace MailGrains.Protocols.Wire;

/// <summary>
/// Cuts what has arrived into lines, in place. It owns no memory while nothing has arrived; a line that spans segments of the pipe is
/// joined in one array of at most the line limit. A line over the limit is dropped as it comes, never gathered.
/// </summary>
/// <param name="maxLineBytes">With the CRLF.</param>
internal sealed class LineBuffer(int maxLineBytes)
{
    /// <summary>So much of a too long line is passed over in the hope of its end.</summary>
    public const int MaxDroppedBytes = 1 << 20;

    private ReadOnlySequence<byte> _unread;
    private int _droppedBytes;

    /// <summary>What has arrived and was not taken.</summary>
    public ReadOnlySequence<byte> Unread => _unread;

    public void Accept(ReadOnlySequence<byte> unread) => _unread = unread;

    /// <summary>Gives up the view of the pipe's memory, which is about to be given back.</summary>
    public void Release() => _unread = default;

    public void Consume(long octets) => _unread = _unread.Slice(octets);

    /// <summary>
    /// Takes the next line. A bare LF ends a line too, but a bad one (RFC 5321 §2.3.8): a client that ends its lines so hears of it at once, and
    /// no command hides behind another.
    /// </summary>
    /// <param name="line">Without the CRLF; valid until the next wait for input.</param>
    public LineStatus TryTakeLine(out ReadOnlySpan<byte> line)
    {
        var first = _unread.FirstSpan;
        var end = first.IndexOf((byte)'\n');
        if (end < 0 || _droppedBytes > 0)
        {
            return TakeSplitLine(out line);
        }

        line = first[..(end + 1)];
        _unread = _unread.Slice(end + 1);
        return line.Length > maxLineBytes ? Drop(LineStatus.TooLong, out line) : Check(ref line);
    }

    private LineStatus TakeSplitLine(out ReadOnlySpan<byte> line)
    {
        line = default;
        if (_unread.IsEmpty)
        {
            return LineStatus.Incomplete;
        }

        if (_unread.PositionOf((byte)'\n') is not { } position)
        {
            return DropIfTooLong();
        }

        var end = _unread.GetPosition(1, position);
        var sequence = _unread.Slice(0, end);
        _unread = _unread.Slice(end);
        if (_droppedBytes > 0 || sequence.Length > maxLineBytes)
        {
            _droppedBytes = 0;
            return LineStatus.TooLong;
        }

        line = sequence.ToArray();
        return Check(ref line);
    }

    private LineStatus DropIfTooLong()
    {
        if (_droppedBytes == 0 && _unread.Length <= maxLineBytes)
        {
            return LineStatus.Incomplete;
        }

        _droppedBytes = (int)Math.Min(_droppedBytes + _unread.Length, int.MaxValue);
        _unread = _unread.Slice(_unread.End);
        return _droppedBytes > MaxDroppedBytes ? LineStatus.Endless : LineStatus.Incomplete;
    }

    private static LineStatus Check(ref ReadOnlySpan<byte> line)
    {
        if (line.Length < 2 || line[^2] != '\r')
        {
            return Drop(LineStatus.BadLine, out line);
        }

        line = line[..^2];
        return line.IndexOfAny((byte)'\r', (byte)'\0') < 0 ? LineStatus.Line : Drop(LineStatus.BadLine, out line);
    }

    private static LineStatus Drop(LineStatus status, out ReadOnlySpan<byte> line)
    {
        line = default;
        return status;
    }
}
