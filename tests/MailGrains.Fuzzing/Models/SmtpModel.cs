using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace MailGrains.Fuzzing.Models;

/// <summary>
/// A second, simple reading of what was sent to an SMTP session, beside the session's replies: where commands, exchanges, content and chunks begin and
/// end, and which messages that makes. It believes the replies which say whether a command was accepted, and nothing else: there must be one
/// reply a command, of a kind that fits it, and the messages that were accepted must be those that the octets hold. Whatever makes two of one
/// message, or a command of content, is a difference.
/// </summary>
internal sealed partial class SmtpModel(Transcript transcript, int maxLineBytes, ContentLimits limits, bool isSubmission)
{
    private static readonly string[] LastWords = ["221", "421", "500", "501"];

    private readonly byte[] _sent = transcript.Sent;
    private readonly List<string> _replies = Replies(transcript.Output);
    private readonly List<byte[]> _messages = [];
    private readonly List<byte> _chunks = [];
    private int _at;
    private int _reply;
    private bool _inExchange;
    private bool _isBinary;
    private bool _isTooLarge;
    private int _recipients;

    private bool IsOver => transcript.EndedItself && _reply == _replies.Count;

    /// <summary>The messages that the session must have accepted, in order.</summary>
    public IReadOnlyList<byte[]> Messages()
    {
        Check.That(Next() == "220", "no greeting");
        while (!IsOver && TakeLine() is { } line)
        {
            if (!ReadLine(line))
            {
                break;
            }

            // After too many errors or failed logins.
            if (transcript.EndedItself && _reply == _replies.Count - 1 && _replies[_reply] == "421")
            {
                _reply++;
            }
        }

        Check.That(_reply == _replies.Count, $"{_replies.Count - _reply} replies are to nothing");
        Check.That(!transcript.EndedItself || _isTooLarge || LastWords.Contains(_replies[^1]), $"the session ends after {_replies[^1]}");
        return _messages;
    }

    /// <summary>False: what was sent ends in the middle.</summary>
    private bool ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.Length > maxLineBytes || !line.EndsWith("\r\n"u8) || line[..^2].IndexOfAny((byte)'\r', (byte)'\0') >= 0)
        {
            _inExchange = false;
            Expect("500");
            return true;
        }

        var text = Octets.Text(line[..^2]);
        if (_inExchange)
        {
            _inExchange = Next() == "334";
            return true;
        }

        if (Chunk().Match(text) is { Success: true } chunk)
        {
            return ReadChunk(chunk);
        }

        if (text.Split(' ')[0].Equals("BDAT", StringComparison.OrdinalIgnoreCase))
        {
            // Nobody knows where its octets end.
            Expect("501");
            Check.That(IsOver, "the session goes on after a chunk of unknown size");
            return true;
        }

        var reply = Next();
        if (reply == "354")
        {
            Check.That(Data().IsMatch(text) && _recipients > 0 && !_isBinary, $"354 to {text}");
            return ReadContent();
        }

        _inExchange = reply == "334";
        Check.That(!_inExchange || text.StartsWith("AUTH ", StringComparison.OrdinalIgnoreCase), $"334 to {text}");
        Follow(text, reply);
        return true;
    }

    private bool ReadContent()
    {
        if (ContentModel.LengthToEnd(_sent.AsSpan(_at)) is not { } length)
        {
            return false;
        }

        var content = ContentModel.Unstuff(_sent.AsSpan(_at, length - 3));
        _at += length;
        var isGood = content is not null && IsGood(content, isSubmission, isWhole: true);
        var reply = Next();
        Check.That((reply == "250") == isGood, $"{reply} to content that is {(isGood ? "good" : "bad")}");
        if (isGood)
        {
            Accept(content!);
        }

        Reset();
        return true;
    }

    private bool ReadChunk(Match chunk)
    {
        var isLast = chunk.Groups[2].Success;
        var size = BigInteger.Parse(chunk.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
        if (size > _sent.Length - _at)
        {
            if (IsOver || !transcript.EndedItself)
            {
                return false;
            }

            // Far too large, so it is not waited for; refused for what came of it, or for what it is.
            Check.That(size > 1 << 20 && Next()[0] == '5', "a chunk is answered before it is there");
            _isTooLarge = true;
            return false;
        }

        _chunks.AddRange(_sent.AsSpan(_at, (int)size));
        _at += (int)size;
        var isMended = isSubmission && !_isBinary;
        var isGood = _recipients > 0 && IsGood([.. _chunks], isMended, isLast);
        var reply = Next();
        Check.That((reply == "250") == isGood, $"{reply} to a chunk that is {(isGood ? "good" : "bad")}");
        if (isGood && isLast)
        {
            Accept([.. _chunks]);
        }

        if (!isGood && _recipients == 0)
        {
            // There was no message; a transaction that is open stays so.
            _chunks.Clear();
        }
        else if (!isGood || isLast)
        {
            Reset();
        }

        return true;
    }

    private bool IsGood(byte[] content, bool isMended, bool isWhole)
    {
        // The limit is for what is kept: a bare LF becomes two octets. A CR at the end is counted once it shows what it is.
        var known = !isWhole && content is [.., (byte)'\r'] ? content[..^1] : content;
        return ContentModel.IsGood(content, limits, _isBinary, isMended, isWhole)
            && (!isMended || ContentModel.Mend(known).Length <= limits.MaxMessageBytes);
    }

    private void Accept(byte[] content) => _messages.Add(isSubmission && !_isBinary ? ContentModel.Mend(content) : content);

    private void Follow(string command, string reply)
    {
        if (reply != "250")
        {
            return;
        }

        switch (command.Split(' ')[0].ToUpperInvariant())
        {
            case "MAIL":
                Reset();
                _isBinary = BinaryMail().IsMatch(command);
                break;
            case "RCPT":
                _recipients++;
                break;
            case "RSET" or "EHLO" or "HELO":
                Reset();
                break;
        }
    }

    private void Reset()
    {
        _chunks.Clear();
        _recipients = 0;
        _isBinary = false;
    }

    private string Next()
    {
        Check.That(_reply < _replies.Count, "a command has no reply");
        return _replies[_reply++];
    }

    private void Expect(string code)
    {
        var reply = Next();
        Check.That(reply == code, $"{reply}, not {code}");
    }

    private byte[]? TakeLine()
    {
        var end = _sent.AsSpan(_at).IndexOf((byte)'\n');
        if (end < 0)
        {
            return null;
        }

        var line = _sent.AsSpan(_at, end + 1).ToArray();
        _at += line.Length;
        return line;
    }

    /// <summary>The codes of the replies; each line must be one of RFC 5321 §4.2, those of one reply of one code.</summary>
    private static List<string> Replies(byte[] output)
    {
        var text = Octets.Text(output);
        Check.That(text.EndsWith("\r\n", StringComparison.Ordinal), "the last reply has no end");
        var replies = new List<string>();
        string? open = null;
        foreach (var line in text[..^2].Split("\r\n"))
        {
            Check.That(line.Length is >= 4 and <= 12_286 && line.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0, $"no line of a reply: {line}");
            Check.That(line[0] is >= '2' and <= '5' && char.IsAsciiDigit(line[1]) && char.IsAsciiDigit(line[2]) && line[3] is ' ' or '-', $"no reply: {line}");
            Check.That(line.Length <= 510 || line.StartsWith("334 ", StringComparison.Ordinal), $"a long reply: {line}");
            Check.That(open is null || open == line[..3], $"two codes in one reply: {line}");
            open = line[3] == '-' ? line[..3] : null;
            if (open is null)
            {
                replies.Add(line[..3]);
            }
        }

        Check.That(open is null, "the last reply is not whole");
        return replies;
    }

    [GeneratedRegex(@"^BDAT ([0-9]+)([ \t]+LAST)?[ \t]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Chunk();

    /// <summary>A path, whose quoted localpart may hold anything, and the parameter somewhere behind it.</summary>
    [GeneratedRegex(
        @"^[^<]*<([^"">]|""([^""\\]|\\.)*"")*>(.*[ \t])?BODY=BINARYMIME([ \t]|$)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Singleline)]
    private static partial Regex BinaryMail();

    [GeneratedRegex(@"^DATA[ \t]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Data();
}
