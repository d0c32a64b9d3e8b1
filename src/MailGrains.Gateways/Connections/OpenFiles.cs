using System.Globalization;

namespace MailGrains.Gateways.Connections;

/// <summary>
/// How many files this process may have open. Without one left the runtime itself can't go on (it ends the process when it can't load a library or map memory),
/// so connections may not have the last of them.
/// </summary>
public static class OpenFiles
{
    private const int Reserve = 512;
    private const int LeastSessions = 64;

    /// <summary>null: not known, or no limit.</summary>
    public static int? Limit { get; } = ReadLimit("/proc/self/limits");

    /// <summary>A connection whose file has this number, or a higher one, is too much: numbers are given from below (POSIX, open).</summary>
    public static int FirstTooMany => Limit is { } limit ? limit - Math.Min(Reserve, limit / 4) : int.MaxValue;

    /// <summary>So many sessions leave room for the store, the cluster and HTTP.</summary>
    public static int MostSessions => Limit is null ? int.MaxValue : Math.Max(LeastSessions, FirstTooMany - Reserve);

    private static int? ReadLimit(string path)
    {
        try
        {
            // "Max open files            20000                20000                files"
            var line = File.ReadLines(path).FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
            var word = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];
            return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
