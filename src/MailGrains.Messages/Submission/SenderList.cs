using System.Buffers;
using System.Globalization;

namespace MailGrains.Messages.Submission;

/// <summary>
/// Reads the addresses of a field that says who sent a message (RFC 5322 §3.4, groups by RFC 6854) and refuses whatever programs could read in two
/// ways: white space, comments and routes inside an address, encoded words in it, names with an unquoted '@' or comma, angle brackets or an
/// '@' where they are text only. One pass, no recursion.
/// </summary>
internal ref struct SenderList
{
    private static readonly SearchValues<char> Atext =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~");

    private readonly ReadOnlySpan<char> _text;
    private readonly string _field;
    private readonly List<ClaimedSender> _senders;
    private int _at;
    private bool _inGroup;
    private ReadOnlySpan<char> _word;
    private bool _isQuoted;

    private SenderList(ReadOnlySpan<char> text, string field, List<ClaimedSender> senders)
    {
        _text = text;
        _field = field;
        _senders = senders;
    }

    /// <summary>False: the list is unclear, or longer than is read.</summary>
    /// <param name="text">Without control characters but a line feed where it was folded, which programs read in two ways inside an address.</param>
    public static bool TryRead(ReadOnlySpan<char> text, string field, List<ClaimedSender> senders)
    {
        var list = new SenderList(text, field, senders);
        return list.TryRead();
    }

    private readonly char Next => _at < _text.Length ? _text[_at] : '\0';

    private bool TryRead()
    {
        // RFC 5322 §4.4 lets members be empty: every program passes over them.
        var expectsMember = true;
        while (TrySkipComments())
        {
            if (_at == _text.Length)
            {
                return !_inGroup;
            }

            switch (Next)
            {
                case ',':
                    _at++;
                    expectsMember = true;
                    break;
                case ';' when _inGroup:
                    _at++;
                    _inGroup = false;
                    expectsMember = false;
                    break;
                default:
                    if (!expectsMember || !TryReadMember(out var opensGroup) || _senders.Count > HeaderRepair.MaxSenders)
                    {
                        return false;
                    }

                    expectsMember = opensGroup;
                    break;
            }
        }

        return false;
    }

    /// <summary>name-addr, addr-spec, or a group's name with its colon.</summary>
    private bool TryReadMember(out bool opensGroup)
    {
        opensGroup = false;
        for (var words = 0; ; words++)
        {
            var before = _at;
            if (!TrySkipComments())
            {
                return false;
            }

            switch (Next)
            {
                case '<':
                    _at++;
                    return TryReadWord() && TryReadAddress() && TrySkip('>');
                case '@':
                    return words == 1 && before == _at && TryReadAddress();
                case ':':
                    _at++;
                    opensGroup = words > 0 && !_inGroup;
                    _inGroup = true;
                    return opensGroup;
                default:
                    if (!TryReadWord())
                    {
                        return false;
                    }

                    break;
            }
        }
    }

    /// <summary>From the '@' on; its localpart is the last word.</summary>
    private bool TryReadAddress()
    {
        if (!(_isQuoted ? IsPlain(_word) : IsDotAtom(_word)) || !TrySkip('@'))
        {
            return false;
        }

        var start = _at;
        while (Next is '-' or '_' or '.' || char.IsAsciiLetterOrDigit(Next) || IsBeyondAscii(Next))
        {
            _at++;
        }

        var domain = _text[start.._at];
        if (!IsDotAtom(domain))
        {
            return false;
        }

        _senders.Add(new ClaimedSender(_field, _word.ToString(), domain.ToString()));
        return true;
    }

    /// <summary>An atom with the dots that names have, or a Quoted-string.</summary>
    private bool TryReadWord()
    {
        var start = _at;
        _isQuoted = Next == '"';
        if (_isQuoted)
        {
            return TryReadQuoted();
        }

        while (Next == '.' || Atext.Contains(Next) || IsBeyondAscii(Next))
        {
            _at++;
        }

        _word = _text[start.._at];
        return !_word.IsEmpty && _word[0] != '.';
    }

    private bool TryReadQuoted()
    {
        var start = ++_at;
        var hasPairs = false;
        for (; Next != '"'; _at++)
        {
            if (Next == '\\')
            {
                hasPairs = true;
                _at++;
            }

            if (_at >= _text.Length || Next is '<' or '>')
            {
                return false;
            }
        }

        _word = _text[start.._at++];
        return !hasPairs || !_word.Contains('@');
    }

    /// <summary>White space and comments, which nest (RFC 5322 §3.2.2).</summary>
    private bool TrySkipComments()
    {
        var depth = 0;
        for (; _at < _text.Length; _at++)
        {
            switch (Next)
            {
                case '(':
                    depth++;
                    break;
                case ')':
                    if (--depth < 0)
                    {
                        return false;
                    }

                    break;
                case ' ' or '\t' or '\n':
                    break;
                case '<' or '>' or '@' or '"' or '\\' when depth > 0:
                    return false;
                default:
                    if (depth == 0)
                    {
                        return true;
                    }

                    break;
            }
        }

        return depth == 0;
    }

    private bool TrySkip(char c)
    {
        if (Next != c)
        {
            return false;
        }

        _at++;
        return true;
    }

    private static bool IsDotAtom(ReadOnlySpan<char> text) =>
        !text.IsEmpty && text[0] != '.' && text[^1] != '.' && !text.Contains("..", StringComparison.Ordinal) && IsPlain(text) && !text.Contains(' ');

    /// <summary>No mark that means something outside quotes, no encoded word, nothing that can't be seen.</summary>
    private static bool IsPlain(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c is not ('.' or ' ') && !Atext.Contains(c) && (!IsBeyondAscii(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format))
            {
                return false;
            }
        }

        return !text.IsEmpty && !text.Contains("=?", StringComparison.Ordinal);
    }

    private static bool IsBeyondAscii(char c) => c > '\x7f' && !char.IsControl(c) && !char.IsWhiteSpace(c);
}
