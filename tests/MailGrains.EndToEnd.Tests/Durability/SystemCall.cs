using System.Globalization;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Durability;

/// <summary>One system call of a traced process. Positions are lines of the trace, which are in the order of what happened.</summary>
/// <param name="Start">Where it was entered.</param>
/// <param name="End">Where it had returned.</param>
/// <param name="Name">Such as <c>fsync</c>.</param>
/// <param name="Target">The path, or the connection (<c>TCP:[local->remote]</c>), of the descriptor that it was called with; empty without one.</param>
/// <param name="Strings">Its arguments that are octets or paths.</param>
/// <param name="Arguments">The last part of the line: flags and the result.</param>
internal sealed record SystemCall(int Start, int End, string Name, string Target, IReadOnlyList<byte[]> Strings, string Arguments)
{
    private const string Unfinished = " <unfinished ...>";
    private const string Resumed = " resumed>";

    /// <summary>The octets that a read or write moved, or that it would have.</summary>
    public ReadOnlySpan<byte> Data => Strings.Count > 0 ? Strings[0] : [];

    public bool IsSync => Name is "fsync" or "fdatasync";

    public bool IsWrite => Name is "write" or "pwrite64" or "writev" or "pwritev" or "sendto" or "sendmsg";

    /// <summary>The command whose trace <see cref="ReadAll"/> reads; the traced command follows.</summary>
    public static IReadOnlyList<string> Tracer(string strace, string log) =>
    [
        strace, "-f", "--seccomp-bpf", "-yy", "-xx", "-s", "200000", "-o", log,
        "-e", "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,sendto,sendmsg,recvfrom,recvmsg,link,linkat,rename,renameat,renameat2",
    ];

    /// <summary>All calls of a trace, in the order in which they were entered.</summary>
    public static List<SystemCall> ReadAll(string log)
    {
        var calls = new List<SystemCall>();
        var open = new Dictionary<string, (int Start, string Text)>();
        var number = 0;
        foreach (var line in File.ReadLines(log))
        {
            number++;
            var blank = line.IndexOf(' ', StringComparison.Ordinal);
            var (thread, text) = (line[..blank], line[blank..].TrimStart());
            if (text.EndsWith(Unfinished, StringComparison.Ordinal))
            {
                open[thread] = (number, text[..^Unfinished.Length]);
            }
            else if (text.StartsWith("<... ", StringComparison.Ordinal))
            {
                if (open.Remove(thread, out var entered))
                {
                    calls.Add(Parse(entered.Start, number, entered.Text + text[(text.IndexOf(Resumed, StringComparison.Ordinal) + Resumed.Length)..]));
                }
            }
            else if (text[0] is not ('+' or '-'))
            {
                calls.Add(Parse(number, number, text));
            }
        }

        calls.Sort((a, b) => a.Start.CompareTo(b.Start));
        return calls;
    }

    private static SystemCall Parse(int start, int end, string text)
    {
        var bracket = text.IndexOf('(', StringComparison.Ordinal);
        var rest = text.AsSpan(bracket + 1);
        var target = "";
        var angle = rest.IndexOf('<');
        if (angle > 0 && rest[..angle].IndexOfAnyExceptInRange('0', '9') < 0)
        {
            // A connection's name has an arrow in it, and ends with a square bracket.
            var close = rest.IndexOf(rest[angle..].StartsWith("<TCP") ? "]>" : ">");
            var name = rest[(angle + 1)..close];
            target = name.StartsWith("\\x") ? Encoding.UTF8.GetString(Octets(name)) : name.ToString();
            rest = rest[(close + 1)..];
        }

        var strings = new List<byte[]>();
        for (var quote = rest.IndexOf('"'); quote >= 0; quote = rest.IndexOf('"'))
        {
            rest = rest[(quote + 1)..];
            var close = rest.IndexOf('"');
            strings.Add(Octets(rest[..close]));
            rest = rest[(close + 1)..];
        }

        return new SystemCall(start, end, text[..bracket], target, strings, rest.ToString());
    }

    /// <summary><c>\x0d\x0a</c></summary>
    private static byte[] Octets(ReadOnlySpan<char> escaped)
    {
        var octets = new byte[escaped.Length / 4];
        for (var i = 0; i < octets.Length; i++)
        {
            octets[i] = byte.Parse(escaped.Slice(i * 4 + 2, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return octets;
    }
}
