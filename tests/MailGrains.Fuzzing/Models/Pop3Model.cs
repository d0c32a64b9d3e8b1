using System.Globalization;

namespace MailGrains.Fuzzing.Models;

/// <summary>
/// A second, simple reading of a POP3 session: one response a line, multi-line ones where RFC 1939 and its extensions have them, messages octet for octet.
/// </summary>
internal sealed class Pop3Model(Transcript transcript, int maxLineBytes, IReadOnlyList<byte[]> messages)
{
    private readonly string _sent = Octets.Text(transcript.Sent);
    private readonly string _output = Octets.Text(transcript.Output);
    private readonly HashSet<int> _marked = [];
    private int _read;
    private bool _inExchange;

    /// <summary>The indexes of the messages that must have been removed.</summary>
    public IReadOnlySet<int> Removed()
    {
        Check.That(Status() is "+OK", "no greeting");
        var hasQuit = false;
        var at = 0;
        for (var end = _sent.IndexOf('\n'); end >= 0 && !(transcript.EndedItself && _read == _output.Length); end = _sent.IndexOf('\n', at))
        {
            var line = _sent[at..(end + 1)];
            at = end + 1;
            var isCommand = line.Length <= maxLineBytes && line.EndsWith("\r\n", StringComparison.Ordinal) && line.AsSpan(0, line.Length - 2).IndexOfAny('\r', '\0') < 0;
            hasQuit = Follow(isCommand ? line[..^2] : null);
            if (transcript.EndedItself && _output.AsSpan(_read) is "-ERR too many errors\r\n")
            {
                _read = _output.Length;
            }
        }

        Check.That(_read == _output.Length, "responses to nothing");
        Check.That(hasQuit == (transcript.End == Protocols.Wire.SessionEnd.Quit), "QUIT and the end of the session do not agree");
        return hasQuit ? _marked : new HashSet<int>();
    }

    /// <summary>True after QUIT.</summary>
    private bool Follow(string? command)
    {
        var status = Status();
        if (_inExchange || command is null)
        {
            Check.That(status != "+" || (_inExchange && command is not null), "a challenge out of place");
            _inExchange = status == "+";
            return false;
        }

        var space = command.IndexOf(' ', StringComparison.Ordinal);
        var verb = (space < 0 ? command : command[..space]).ToUpperInvariant();
        var argument = space < 0 ? "" : command[(space + 1)..];
        _inExchange = status == "+";
        Check.That(!_inExchange || verb == "AUTH", $"a challenge to {command}");
        if (status != "+OK")
        {
            // Removing may fail, the end stays the end.
            return verb == "QUIT";
        }

        switch (verb)
        {
            case "RETR":
                Check.Same(messages[Index(argument)], Whole(MultiLine(), messages[Index(argument)]), "a message");
                break;
            case "CAPA" or "TOP":
            case "LIST" or "UIDL" or "LANG" or "AUTH" when argument.Length == 0:
                MultiLine();
                break;
            case "DELE":
                Check.That(_marked.Add(Index(argument)), "marked twice");
                break;
            case "RSET":
                _marked.Clear();
                break;
        }

        return verb == "QUIT";
    }

    private static int Index(string argument) => int.Parse(argument, NumberStyles.None, CultureInfo.InvariantCulture) - 1;

    /// <summary>The session adds the CRLF that a message lacks, unless it is empty.</summary>
    private static byte[] Whole(string text, byte[] message) =>
        Octets.Of(message.Length == 0 || message.AsSpan().EndsWith("\r\n"u8) ? text : text[..^2]);

    private string Status()
    {
        var line = Line();
        Check.That(line.Length <= 510 && line.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0, $"no status: {line}");
        var status = line.Split(' ')[0];
        Check.That(status is "+OK" or "-ERR" or "+", $"no status: {line}");
        return status;
    }

    /// <summary>The lines up to the dot, unstuffed.</summary>
    private string MultiLine()
    {
        var text = new System.Text.StringBuilder();
        for (var line = Line(); line != "."; line = Line())
        {
            Check.That(!line.StartsWith('.') || line.StartsWith("..", StringComparison.Ordinal), "a dot that is not stuffed");
            text.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return text.ToString();
    }

    private string Line()
    {
        var end = _output.IndexOf("\r\n", _read, StringComparison.Ordinal);
        Check.That(end >= 0, "a response is missing, or has no end");
        var line = _output[_read..end];
        _read = end + 2;
        return line;
    }
}
