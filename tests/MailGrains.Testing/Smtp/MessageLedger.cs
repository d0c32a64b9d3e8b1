namespace MailGrains.Testing.Smtp;

/// <summary>
/// What became of numbered messages, each to <c>u{number}@d{domain}.test</c>: acknowledged to their sender, taken or refused for good by the servers that they were meant
/// for. Thread-safe; counts are read when nothing happens any more, but for those that say otherwise.
/// </summary>
public sealed class MessageLedger(int messages, int domains)
{
    private readonly int[] _acknowledged = new int[messages];
    private readonly int[] _taken = new int[messages];
    private readonly int[] _unmarked = new int[messages];
    private readonly int[] _refused = new int[messages];
    private int _arrived;
    private int _settled;

    public int Messages => messages;

    /// <summary>Messages that were taken at least once; may be read at any time.</summary>
    public int Arrived => Volatile.Read(ref _arrived);

    /// <summary>Messages that were taken, or refused for good; may be read at any time.</summary>
    public int Settled => Volatile.Read(ref _settled);

    public int Acknowledged => _acknowledged.Count(one => one > 0);

    /// <summary>Messages that were refused for good and never taken.</summary>
    public int Refused => _refused.Zip(_taken).Count(one => one is { First: > 0, Second: 0 });

    /// <summary>Acknowledged, and neither taken nor refused for good.</summary>
    public int Lost => Enumerable.Range(0, messages).Count(n => _acknowledged[n] > 0 && _taken[n] == 0 && _refused[n] == 0);

    /// <summary>Messages that came twice, or came after they had been refused for good, and did not say that they may.</summary>
    public int Doubled => Enumerable.Range(0, messages).Count(n => _unmarked[n] > 1);

    /// <summary>Copies beyond the first of each message: all of them are marked where <see cref="Doubled"/> is 0.</summary>
    public int Copies => _taken.Sum(one => Math.Max(0, one - 1));

    public string AddressOf(int number) => $"u{number}@{DomainOf(number % domains)}";

    public static string DomainOf(int index) => $"d{index}.test";

    public void Acknowledge(int number) => Interlocked.Increment(ref _acknowledged[number]);

    public void Refuse(int number)
    {
        if (Interlocked.Increment(ref _refused[number]) == 1 && Volatile.Read(ref _taken[number]) == 0)
        {
            Interlocked.Increment(ref _settled);
        }
    }

    /// <param name="isMarked">It says that an earlier attempt may have been taken.</param>
    public void Take(int number, bool isMarked)
    {
        if (Interlocked.Increment(ref _taken[number]) == 1)
        {
            Interlocked.Increment(ref _arrived);
            if (Volatile.Read(ref _refused[number]) == 0)
            {
                Interlocked.Increment(ref _settled);
            }
        }

        if (!isMarked)
        {
            Interlocked.Increment(ref _unmarked[number]);
        }
    }

    /// <summary>The number in <c>…&lt;u{number}@…</c>.</summary>
    public static int NumberIn(ReadOnlySpan<byte> command)
    {
        var rest = command[(command.IndexOf("<u"u8) + 2)..];
        return int.Parse(rest[..rest.IndexOf((byte)'@')], System.Globalization.CultureInfo.InvariantCulture);
    }
}
