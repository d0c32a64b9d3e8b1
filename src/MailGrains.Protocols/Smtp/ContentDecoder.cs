namespace MailGrains.Protocols.Smtp;

/// <summary>How content comes, and what it may hold.</summary>
[Flags]
internal enum ContentForm
{
    /// <summary>After DATA: stuffed dots, an end of its own, and no bare CR or LF.</summary>
    Dotted = 0,

    /// <summary>In chunks (RFC 3030 §2): a dot is a dot, and the octets are counted elsewhere.</summary>
    Chunked = 1,

    /// <summary>After the header section any octets (RFC 3030 §3), in chunks only.</summary>
    Binary = 2,

    /// <summary>A bare CR or LF is no fault: somebody mends it.</summary>
    Mended = 4,
}

/// <summary>
/// Finds the end of DATA and takes the stuffed dots out (RFC 5321 §4.5.2), in place and across pieces that are split anywhere. Only
/// CRLF.CRLF ends the content. The first fault is kept in <see cref="Failure"/>; after it the decoder still looks for the true end, so that
/// what follows a refused message is never taken for commands (SMTP smuggling), and its runs are worthless.
/// </summary>
/// <param name="maxLineBytes">Of a line without its CRLF.</param>
/// <param name="maxHeaderBytes">Of the lines before the first empty one, with their CRLFs.</param>
internal sealed class ContentDecoder(int maxLineBytes, int maxHeaderBytes, ContentForm form = ContentForm.Dotted)
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

    public bool IsAtEnd => _state == State.End;

    private bool IsOpaque => _inBody && (form & ContentForm.Binary) != 0;

    /// <summary>The last chunk has come: the fault that only now shows, if any.</summary>
    public SmtpContentFailure? Finish()
    {
        if (_state == State.Cr)
        {
            FailAtLineEnd();
        }

        return Failure;
    }

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
            if (IsOpaque)
            {
                at = input.Length;
                break;
            }

            var octet = input[at];
            switch (_state)
            {
                case State.LineStart when octet == '.' && (form & ContentForm.Chunked) == 0:
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
                    // A dot, a bare CR: too like an end of data to be mended.
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
            // NUL is in no text of RFC 5322 §3.5, and RFC 2045 §2.8 bars it from 8BITMIME; only BINARYMIME carries it.
            FailAt(input[length]);
        }

        return length + 1;
    }

    private int TakeAfterCr(byte octet)
    {
        if (octet != '\n')
        {
            FailAtLineEnd();
            EndLine();
            _state = State.Text;
            return 0;
        }

        EndLine();
        _state = State.LineStart;
        return 1;
    }

    private void EndLine()
    {
        if (_lineBytes == 0)
        {
            _inBody = true;
        }
        else if (!_inBody && (_headerBytes += _lineBytes + 2) > maxHeaderBytes)
        {
            Fail(SmtpContentFailure.HeaderTooLarge);
        }

        _lineBytes = 0;
    }

    private void FailAt(byte octet)
    {
        if (octet == 0)
        {
            Fail(SmtpContentFailure.NulOctet);
        }
        else
        {
            // Where it is mended it ends a line, but what follows is no start of one: a dot there ends nothing.
            FailAtLineEnd();
            EndLine();
        }
    }

    // RFC 5321 §2.3.8: CR and LF come as CRLF or not at all.
    private void FailAtLineEnd()
    {
        if ((form & ContentForm.Mended) == 0)
        {
            Fail(SmtpContentFailure.BareLineEnd);
        }
    }

    private void Fail(SmtpContentFailure failure) => Failure ??= failure;
}
