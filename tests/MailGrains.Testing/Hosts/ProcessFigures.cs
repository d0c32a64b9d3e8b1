using System.Globalization;

namespace MailGrains.Testing.Hosts;

/// <summary>What Linux counts of one process and of those below it, read from <c>/proc</c>.</summary>
public static class ProcessFigures
{
    private const int Parent = 1;
    private const int UserTime = 11;
    private const int SystemTime = 12;
    private const int ChildrensUserTime = 13;
    private const int ChildrensSystemTime = 14;

    // USER_HZ: Linux shows its times so on every machine.
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    /// <summary>Bytes in memory now.</summary>
    public static long WorkingSet(int pid) => Status(pid, "VmRSS:");

    /// <summary>The most bytes in memory since its start or <see cref="ResetPeak"/>.</summary>
    public static long PeakWorkingSet(int pid) => Status(pid, "VmHWM:");

    /// <summary>Bytes in memory that are its own or its share of what several have mapped: these can be summed over processes.</summary>
    public static long ProportionalSet(int pid) => Kilobytes($"/proc/{pid}/smaps_rollup", "Pss:");

    /// <summary>Lets <see cref="PeakWorkingSet"/> start again from what is in memory now.</summary>
    public static void ResetPeak(int pid) => File.WriteAllText($"/proc/{pid}/clear_refs", "5");

    /// <summary>The processor time that it used itself, in ticks of 10 ms; that of a process with one thread exactly.</summary>
    public static TimeSpan Time(int pid) => Own(pid, Stat(pid));

    /// <summary>The processor time of it, of all that it started and that still run, and of all that ended and were waited for.</summary>
    public static TimeSpan TimeOfTree(int pid) => Tree(pid)
        .Select(process => (Id: process, Stat: Stat(process)))
        .Aggregate(TimeSpan.Zero, (sum, p) => sum + Own(p.Id, p.Stat) + Sum(p.Stat, ChildrensUserTime, ChildrensSystemTime));

    /// <summary>The processor time of all that it started, that ended and that it waited for.</summary>
    public static TimeSpan TimeOfEnded(int pid) => Sum(Stat(pid), ChildrensUserTime, ChildrensSystemTime);

    /// <summary>A process and all below it, itself first.</summary>
    public static IReadOnlyList<int> Tree(int pid)
    {
        var children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Stat: Stat(id)))
            .Where(p => p.Stat is not [])
            .ToLookup(p => int.Parse(p.Stat[Parent], CultureInfo.InvariantCulture), p => p.Id);
        List<int> tree = [pid];
        for (var i = 0; i < tree.Count; i++)
        {
            tree.AddRange(children[tree[i]]);
        }

        return tree;
    }

    // A hundred processes, each rounded down to a tick or two, would lose a second: the first thread's time is known to the nanosecond.
    private static TimeSpan Own(int pid, string[] stat)
    {
        var rounded = Sum(stat, UserTime, SystemTime);
        var first = Read($"/proc/{pid}/schedstat") is { Length: > 0 } text
            ? TimeSpan.FromMicroseconds(long.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture) / 1000)
            : TimeSpan.Zero;
        return first > rounded ? first : rounded;
    }

    private static TimeSpan Sum(string[] stat, int first, int last) => stat is []
        ? TimeSpan.Zero
        : Tick * stat[first..(last + 1)].Sum(t => long.Parse(t, CultureInfo.InvariantCulture));

    /// <summary>The fields after the name, which may hold blanks itself; none when the process is gone.</summary>
    private static string[] Stat(int pid) => Read($"/proc/{pid}/stat") is { Length: > 0 } text
        ? text[(text.LastIndexOf(')') + 2)..].Split(' ')
        : [];

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static long Status(int pid, string name) => Kilobytes($"/proc/{pid}/status", name);

    private static long Kilobytes(string file, string name) => File.ReadLines(file)
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
        .FirstOrDefault();
}
