namespace MailGrains.Protocols.Smtp;

/// <summary>
/// Finds the end of DATA and takes the stuffed dots out (RFC 5321 §4.5.2), in place and across pieces that are split anywhere. Only
/// CRLF.CRLF ends the content. The first fault is kept in <see cref="Failure"/>; after it the decoder still looks for the true end, so that
/// what follows a refused message is never taken for commands (SMTP smuggling), and its runs are worthless.
/// </summary>
/// <param name="maxLineBytes">Of a line without its CRLF.</param>
/// <param name="maxHeaderBytes">Of the lines before the first empty one, with their CRLFs.</param>
internal struct ContentDecoder(int maxLineBytes, int maxHeaderBytes)
{
    private State _state = State.LineStart;
    private bool _inBody;
    private long _lineBytes;
    private long _headerBytes;

    private enum State
    {
        LineStart,
        Text,

        /// <summary>After a CR in a line.</summary>
        Cr,

        /// <summary>After a dot at the start of a line, which is not content.</summary>
        Dot,

        /// <summary>After a dot and a CR at the start of a line.</summary>
        DotCr,
        End,
    }

    public SmtpContentFailure? Failure { get; private set; }

    public readonly bool IsAtEnd => _state == State.End;

    /// <summary>
    /// Decodes from the start of <paramref name="input"/>: answers the next run of content, which may be empty, and how much input it took. To be
    /// called again while input is left and the end has not come.
    /// </summary>
    public ReadOnlySpan<byte> Decode(ReadOnlySpan<byte> input, out int consumed, out int runStart)
    {
        runStart = 0;
        var at = 0;
        while (at < input.Length && _state != State.End)
        {
            var octet = input[at];
            switch (_state)
            {
                case State.LineStart when octet == '.':
                    _state = State.Dot;
                    if (at > runStart)
                    {
                        consumed = at + 1;
                        return input[runStart..at];
                    }

                    runStart = ++at;
                    break;
                case State.LineStart:
                case State.Text:
                    _state = State.Text;
                    at += TakeText(input[at..]);
                    break;
                case State.Cr:
                    at += TakeAfterCr(octet);
                    break;
                case State.Dot when octet == '\r':
                    _state = State.DotCr;
                    runStart = ++at;
                    break;
                case State.Dot:
                    _state = State.Text;
                    break;
                case State.DotCr when octet == '\n':
                    _state = State.End;
                    runStart = ++at;
                    break;
                default:
                    Fail(SmtpContentFailure.BareLineEnd);
                    _state = State.Text;
                    break;
            }
        }

        consumed = at;
        return input[runStart..at];
    }

    /// <summary>Takes text up to and with the next CR, or a bare LF or NUL, which are faults.</summary>
    private int TakeText(ReadOnlySpan<byte> input)
    {
        var length = input.IndexOfAny((byte)'\r', (byte)'\n', (byte)'\0');
        _lineBytes += length < 0 ? input.Length : length;
        if (_lineBytes > maxLineBytes)
        {
            Fail(SmtpContentFailure.TextLineTooLong);
        }

        if (length < 0)
        {
            return input.Length;
        }

        if (input[length] == '\r')
        {
            _state = State.Cr;
        }
        else
        {
            // NUL is in no text of RFC 5322 §3.5, and RFC 2045 §2.8 bars it from 8BITMIME; only BINARYMIME could carry it.
            Fail(input[length] == 0 ? SmtpContentFailure.NulOctet : SmtpContentFailure.BareLineEnd);
        }

        return length + 1;
    }

    private int TakeAfterCr(byte octet)
    {
        if (octet != '\n')
        {
            // RFC 5321 §2.3.8: CR and LF come as CRLF or not at all.
            Fail(SmtpContentFailure.BareLineEnd);
            _state = State.Text;
            return 0;
        }

        if (_lineBytes == 0)
        {
            _inBody = true;
        }
        else if (!_inBody && (_headerBytes += _lineBytes + 2) > maxHeaderBytes)
        {
            Fail(SmtpContentFailure.HeaderTooLarge);
        }

        _lineBytes = 0;
        _state = State.LineStart;
        return 1;
    }

    private void Fail(SmtpContentFailure failure) => Failure ??= failure;
}
