using System.Buffers;

namespace MailGrains.Protocols.Wire;

/// <summary>
/// Writes a message as the lines of POP3's multi-line response (RFC 1939 §3) or of SMTP's DATA (RFC 5321 §4.5.2): a dot at the start of a line is
/// doubled, everything else goes through as it is, across pieces that are split anywhere. A line is what CRLF ends; a bare LF is content.
/// </summary>
internal struct DotStuffer()
{
    private State _state = State.LineStart;

    private enum State
    {
        LineStart,
        Text,
        Cr,
    }

    public void Write(ReadOnlySpan<byte> piece, IBufferWriter<byte> output)
    {
        if (piece.IsEmpty)
        {
            return;
        }

        if (_state == State.LineStart && piece[0] == '.')
        {
            output.Write("."u8);
        }
        else if (_state == State.Cr && piece is [(byte)'\n', (byte)'.', ..])
        {
            output.Write("\n."u8);
            piece = piece[1..];
        }

        _state = StateAfter(piece);
        while (piece.IndexOf("\r\n."u8) is var at && at >= 0)
        {
            output.Write(piece[..(at + 2)]);
            output.Write("."u8);
            piece = piece[(at + 2)..];
        }

        output.Write(piece);
    }

    /// <summary>Ends the last line if the message did not, then the response.</summary>
    public readonly void Finish(IBufferWriter<byte> output) => output.Write(_state == State.LineStart ? ".\r\n"u8 : "\r\n.\r\n"u8);

    private readonly State StateAfter(ReadOnlySpan<byte> piece)
    {
        var afterCr = piece.Length > 1 ? piece[^2] == '\r' : _state == State.Cr;
        return piece[^1] switch
        {
            (byte)'\r' => State.Cr,
            (byte)'\n' when afterCr => State.LineStart,
            _ => State.Text,
        };
    }
}
