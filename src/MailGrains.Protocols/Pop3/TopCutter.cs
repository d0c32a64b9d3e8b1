namespace MailGrains.Protocols.Pop3;

/// <summary>Says where TOP ends (RFC 1939 §7): after the header, the empty line and so many lines of the body.</summary>
internal struct TopCutter(long bodyLines)
{
    private bool _inBody;
    private bool _lineIsEmpty = true;
    private long _linesLeft = bodyLines;

    public readonly bool IsDone => _inBody && _linesLeft == 0;

    /// <summary>How much of the piece belongs to the answer.</summary>
    public int Take(ReadOnlySpan<byte> piece)
    {
        var at = 0;
        while (!IsDone && at < piece.Length)
        {
            var end = piece[at..].IndexOf((byte)'\n');
            var line = piece.Slice(at, end < 0 ? piece.Length - at : end);
            _lineIsEmpty &= line.IsEmpty || line.SequenceEqual("\r"u8);
            if (end < 0)
            {
                return piece.Length;
            }

            at += end + 1;
            if (_inBody)
            {
                _linesLeft--;
            }

            _inBody |= _lineIsEmpty;
            _lineIsEmpty = true;
        }

        return at;
    }
}
