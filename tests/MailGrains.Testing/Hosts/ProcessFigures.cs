using System.Globalization;

namespace MailGrains.Testing.Hosts;

/// <summary>What Linux counts of one process and of those below it, read from <c>/proc</c>.</summary>
public static class ProcessFigures
{
    private const int Parent = 1;
    private const int UserTime = 11;
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

    /// <summary>The processor time that it used itself, in ticks of 10 ms.</summary>
    public static TimeSpan Time(int pid) => Sum(Stat(pid), UserTime, UserTime + 1);

    /// <summary>The processor time of it, of all that it started and that still run, and of all that ended and were waited for.</summary>
    public static TimeSpan TimeOfTree(int pid) =>
        Tree(pid).Aggregate(TimeSpan.Zero, (sum, process) => sum + Sum(Stat(process), UserTime, ChildrensSystemTime));

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

    private static TimeSpan Sum(string[] stat, int first, int last) => stat is []
        ? TimeSpan.Zero
        : Tick * stat[first..(last + 1)].Sum(t => long.Parse(t, CultureInfo.InvariantCulture));

    /// <summary>The fields after the name, which may hold blanks itself; none when the process is gone.</summary>
    private static string[] Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static long Status(int pid, string name) => Kilobytes($"/proc/{pid}/status", name);

    private static long Kilobytes(string file, string name) => File.ReadLines(file)
        .Where(line => line.StartsWith(name, StringComparison.Ordinal))
        .Select(line => long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
        .FirstOrDefault();
}
