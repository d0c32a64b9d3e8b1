using System.Globalization;
using System.Text;
using MailGrains.Fuzzing.Loop;

namespace MailGrains.Fuzzing;

/// <summary>
/// <c>[target|all] [--inputs N] [--seed S] [--corpus folder] [--run file]</c>: prints a row of Markdown a target; 1 when something was found, whose input
/// is written beside the corpus or shown.
/// </summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        var name = args.FirstOrDefault(arg => !arg.StartsWith('-')) ?? "";
        var targets = InstrumentedContext.Targets.Where(target => target.Name == name || name == "all").ToList();
        if (targets.Count == 0)
        {
            Console.WriteLine("all, or one of: " + string.Join(' ', InstrumentedContext.Targets.Select(target => target.Name)));
            return 2;
        }

        if (Value(args, "--run") is { } file)
        {
            targets[0].Run(File.ReadAllBytes(file));
            return 0;
        }

        var options = new FuzzOptions
        {
            Inputs = long.Parse(Value(args, "--inputs") ?? "100000", CultureInfo.InvariantCulture),
            Seed = int.Parse(Value(args, "--seed") ?? "1", CultureInfo.InvariantCulture),
        };
        Console.WriteLine("| target | inputs | corpus | edges | processor time | most allocated by an input | highest heap |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        var isClean = true;
        foreach (var target in targets)
        {
            isClean &= RunOne(target, options, Value(args, "--corpus"));
        }

        return isClean ? 0 : 1;
    }

    private static bool RunOne(FuzzTarget target, FuzzOptions options, string? folder)
    {
        folder = folder is null ? null : Directory.CreateDirectory(Path.Combine(folder, target.Name)).FullName;
        var kept = folder is null ? [] : Directory.EnumerateFiles(folder, "kept-*").Order(StringComparer.Ordinal).Select(File.ReadAllBytes);
        var loop = new FuzzLoop(target with { Seeds = [.. target.Seeds, .. kept] }, options);
        var report = loop.Run();
        Console.WriteLine(report);
        if (report.Finding is not null)
        {
            Console.WriteLine(report.Finding);
            Console.WriteLine(Shown(report.FindingInput ?? []));
        }

        if (folder is not null)
        {
            Save(folder, loop, report);
        }

        return report.Finding is null;
    }

    private static void Save(string folder, FuzzLoop loop, FuzzReport report)
    {
        if (report.FindingInput is { } found)
        {
            File.WriteAllBytes(Path.Combine(folder, "found"), found);
            return;
        }

        for (var i = 0; i < loop.Kept.Count; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"kept-{i:D4}")), loop.Kept[i]);
        }
    }

    /// <summary>As a string of C#.</summary>
    private static string Shown(byte[] input)
    {
        var text = new StringBuilder("\"");
        foreach (var octet in input)
        {
            _ = octet switch
            {
                (byte)'\r' => text.Append("\\r"),
                (byte)'\n' => text.Append("\\n"),
                (byte)'"' or (byte)'\\' => text.Append('\\').Append((char)octet),
                >= 32 and <= 126 => text.Append((char)octet),
                _ => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)octet:x4}"),
            };
        }

        return text.Append('"').ToString();
    }

    private static string? Value(string[] args, string name) => Array.IndexOf(args, name) is var at && at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
