using System.Globalization;

namespace MailGrains.Benchmarks.Scale;

/// <summary>The options of the commands that measure one size: numbers and a folder.</summary>
internal sealed class ScaleOptions
{
    private const string FolderName = "--folder";

    private readonly Dictionary<string, int> _numbers;

    private ScaleOptions(Dictionary<string, int> numbers, string folder)
    {
        _numbers = numbers;
        Folder = folder;
    }

    /// <summary>What the host keeps its data below.</summary>
    public string Folder { get; }

    public int this[string name] => _numbers[name];

    /// <exception cref="ArgumentException">An option is unknown, or no positive number.</exception>
    public static ScaleOptions Parse(string[] args, params (string Name, int Usual)[] numbers)
    {
        var values = numbers.ToDictionary(n => n.Name, n => n.Usual);
        var folder = Path.GetTempPath();
        for (var i = 0; i < args.Length; i += 2)
        {
            var value = i + 1 < args.Length ? args[i + 1] : throw new ArgumentException($"{args[i]} needs a value.");
            if (args[i] == FolderName)
            {
                folder = value;
            }
            else if (!values.ContainsKey(args[i]))
            {
                throw new ArgumentException($"Options: {string.Join(", ", values.Keys.Append(FolderName))}; not {args[i]}.");
            }
            else if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0)
            {
                throw new ArgumentException($"{args[i]} is to be a positive number, not {value}.");
            }
            else
            {
                values[args[i]] = number;
            }
        }

        return new ScaleOptions(values, folder);
    }

    /// <summary>A folder for one run, removed at its end.</summary>
    public async Task InFolderAsync(Func<string, Task> run)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, $"mailgrains-bench-{Environment.ProcessId}")).FullName;
        try
        {
            await run(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
