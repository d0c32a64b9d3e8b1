using System.Collections.Immutable;

namespace MailGrains.Messages.Summaries;

/// <summary>
/// Reads address lists (RFC 5322 §3.4, §4.4) as they come: what breaks the grammar costs the address that it is in, never the list. One pass,
/// no recursion; the words of the address at hand never take more room than the text.
/// </summary>
internal ref struct AddressList
{
    public const int MaxAddresses = 1_000;

    private readonly ReadOnlySpan<char> _text;
    private readonly Span<char> _words;
    private readonly List<MailAddress> _addresses = [];
    private int _at;
    private int _length;
    private int _atSign = -1;
    private bool _spaced;
    private bool _quoted;
    private bool _inGroup;
    private bool _complete;
    private bool _noCloseAhead;
    private string? _comment;
    private List<string>? _pending;

    private AddressList(ReadOnlySpan<char> text, Span<char> words)
    {
        _text = text;
        _words = words;
    }

    /// <param name="text">An unfolded value.</param>
    public static ImmutableArray<MailAddress> Parse(ReadOnlySpan<char> text)
    {
        var list = new AddressList(text, text.Length <= 256 ? stackalloc char[text.Length] : new char[text.Length]);
        list.Read();
        return [.. list._addresses];
    }

    private void Read()
    {
        while (_at < _text.Length && _addresses.Count < MaxAddresses)
        {
            var c = _text[_at++];
            switch (c)
            {
                case ' ' or '\t':
                    _spaced = true;
                    break;
                case '(':
                    ReadComment();
                    break;
                case '"':
                    ReadQuoted();
                    break;
                case '[':
                    ReadDomainLiteral();
                    break;
                case '<':
                    ReadAngleAddress();
                    break;
                case ',':
                    EndAddress();
                    break;
                case ';':
                    EndAddress();
                    EndGroup();
                    break;
                case ':' when _atSign < 0 && _length > 0 && !_inGroup && !_complete:
                    BeginGroup();
                    break;
                default:
                    Append(c);
                    break;
            }
        }

        EndAddress();
        EndGroup();
    }

    private void Append(char c)
    {
        // One space stands for any white space between words.
        if (_spaced && _length > 0)
        {
            _words[_length++] = ' ';
        }

        _spaced = false;
        if (c == '@')
        {
            _atSign = _length;
        }

        _words[_length++] = c;
    }

    private void ReadQuoted()
    {
        if (_spaced && _length > 0)
        {
            _words[_length++] = ' ';
        }

        _spaced = false;
        _quoted = true;
        while (_at < _text.Length && _text[_at] is var c && c != '"')
        {
            _at++;
            _words[_length++] = c == '\\' && _at < _text.Length ? _text[_at++] : c;
        }

        _at++;
    }

    private void ReadDomainLiteral()
    {
        Append('[');
        while (_at < _text.Length)
        {
            var c = _text[_at++];
            _words[_length++] = c;
            if (c == ']')
            {
                return;
            }
        }
    }

    /// <summary>Comments nest (RFC 5322 §3.2.2); the outermost one's text is the name of an address in the old form.</summary>
    private void ReadComment()
    {
        var start = _at;
        for (var depth = 1; _at < _text.Length && depth > 0; _at++)
        {
            switch (_text[_at])
            {
                case '\\':
                    _at++;
                    break;
                case '(':
                    depth++;
                    break;
                case ')':
                    depth--;
                    break;
            }
        }

        _at = Math.Min(_at, _text.Length);
        var text = _text[start.._at];
        _comment = (text.EndsWith(")") ? text[..^1] : text).Trim().ToString().Replace("\\", "", StringComparison.Ordinal);
        _spaced = true;
    }

    private void ReadAngleAddress()
    {
        if (_complete)
        {
            return;
        }

        var name = Phrase();
        var rest = _text[_at..];
        var end = _noCloseAhead ? -1 : IndexOutsideQuotes(rest, '>');
        if (end < 0)
        {
            _noCloseAhead = true; // looked for once, so that "<,<,<" stays linear
            end = rest.IndexOfAny(',', ';');
            end = end < 0 ? rest.Length : end;
            _at += end;
        }
        else
        {
            _at += end + 1;
        }

        var inner = rest[..end].Trim();
        // RFC 5322 §4.4: a route before the address is read and forgotten.
        if (inner.StartsWith("@") && inner.IndexOf(':') is >= 0 and var colon)
        {
            inner = inner[(colon + 1)..];
        }

        var at = inner.LastIndexOf('@');
        Add(name, Unquote(at < 0 ? inner : inner[..at]), at < 0 ? "" : WithoutSpaces(inner[(at + 1)..]));
        _complete = true;
    }

    /// <summary>The name before an angle address. Words that were cut off by an unquoted comma belong to it: <c>Doe, Jane &lt;jane@…&gt;</c>.</summary>
    private string? Phrase()
    {
        var words = _words[.._length].Trim().ToString();
        if (_pending is not null)
        {
            words = string.Join(", ", [.. _pending, words]);
            _pending = null;
        }

        return words.Length > 0 ? words : null;
    }

    private void EndAddress()
    {
        if (!_complete && _length > 0)
        {
            if (_atSign < 0)
            {
                (_pending ??= []).Add(_words[.._length].ToString());
            }
            else
            {
                AddPending();
                AddBare();
            }
        }

        _length = 0;
        _atSign = -1;
        _spaced = _quoted = _complete = false;
        _comment = null;
    }

    /// <summary>An address without angle brackets; words before it, which the grammar has no place for, are taken as its name.</summary>
    private void AddBare()
    {
        var local = ((ReadOnlySpan<char>)_words[.._atSign]).Trim();
        var name = _comment;
        if (!_quoted && local.LastIndexOf(' ') is >= 0 and var space)
        {
            name ??= local[..space].ToString();
            local = local[(space + 1)..];
        }

        Add(name, local.ToString(), WithoutSpaces(_words[(_atSign + 1).._length]));
    }

    private void BeginGroup()
    {
        AddPending();
        _addresses.Add(MailAddress.GroupStart(_words[.._length].ToString()));
        _length = 0;
        _spaced = _quoted = false;
        _inGroup = true;
    }

    private void EndGroup()
    {
        AddPending();
        if (_inGroup)
        {
            _addresses.Add(MailAddress.GroupEnd);
            _inGroup = false;
        }
    }

    private void AddPending()
    {
        foreach (var word in _pending ?? [])
        {
            Add(null, word, "");
        }

        _pending = null;
    }

    private readonly void Add(string? name, string localpart, string domain)
    {
        if (_addresses.Count < MaxAddresses)
        {
            _addresses.Add(new MailAddress(string.IsNullOrEmpty(name) ? null : name, localpart, domain));
        }
    }

    private static int IndexOutsideQuotes(ReadOnlySpan<char> text, char wanted)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && quoted)
            {
                i++;
            }
            else if (text[i] == '"')
            {
                quoted = !quoted;
            }
            else if (text[i] == wanted && !quoted)
            {
                return i;
            }
        }

        return -1;
    }

    private static string Unquote(ReadOnlySpan<char> local)
    {
        local = local.Trim();
        return local.Length >= 2 && local[0] == '"' && local[^1] == '"' ? Unescape(local[1..^1]) : WithoutSpaces(local);
    }

    private static string Unescape(ReadOnlySpan<char> text)
    {
        if (!text.Contains('\\'))
        {
            return text.ToString();
        }

        var plain = new char[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            plain[length++] = text[i] == '\\' && i + 1 < text.Length ? text[++i] : text[i];
        }

        return new string(plain, 0, length);
    }

    private static string WithoutSpaces(ReadOnlySpan<char> text) =>
        text.ContainsAny(' ', '\t') ? text.ToString().Replace(" ", "", StringComparison.Ordinal).Replace("\t", "", StringComparison.Ordinal) : text.ToString();
}
