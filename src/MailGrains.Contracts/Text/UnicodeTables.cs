using System.Collections.Frozen;
using System.Globalization;

namespace MailGrains.Contracts.Text;

/// <summary>
/// Decompositions and combining classes, read once from the embedded UnicodeTables.txt. The runtime's own are those of the machine's ICU, or
/// none at all where globalization is invariant as it is in this project; keys must not depend on either.
/// </summary>
internal sealed class UnicodeTables
{
    private static readonly Lazy<UnicodeTables> Loaded = new(Load);

    private readonly FrozenDictionary<int, int[]> _canonical;
    private readonly FrozenDictionary<int, int[]> _compatibility;
    private readonly FrozenDictionary<int, int[]> _width;
    private readonly FrozenDictionary<int, byte> _classes;
    private readonly FrozenDictionary<(int First, int Second), int> _composites;

    private UnicodeTables(
        Dictionary<int, int[]> canonical, Dictionary<int, int[]> compatibility, Dictionary<int, int[]> width, Dictionary<int, byte> classes,
        Dictionary<(int First, int Second), int> composites)
    {
        _canonical = canonical.ToFrozenDictionary();
        _compatibility = compatibility.ToFrozenDictionary();
        _width = width.ToFrozenDictionary();
        _classes = classes.ToFrozenDictionary();
        _composites = composites.ToFrozenDictionary();
    }

    public static UnicodeTables Current => Loaded.Value;

    /// <summary>One step of the decomposition, or null.</summary>
    public int[]? Decompose(int codePoint, bool compatibility) =>
        _canonical.TryGetValue(codePoint, out var mapping) ||
        (compatibility && (_compatibility.TryGetValue(codePoint, out mapping) || _width.TryGetValue(codePoint, out mapping)))
            ? mapping
            : null;

    /// <summary>What a full-width or half-width character stands for, or null.</summary>
    public int[]? Width(int codePoint) => _width.GetValueOrDefault(codePoint);

    public byte CombiningClass(int codePoint) => _classes.GetValueOrDefault(codePoint);

    /// <summary>The primary composite of two characters, or 0.</summary>
    public int Compose(int first, int second) => _composites.GetValueOrDefault((first, second));

    private static UnicodeTables Load()
    {
        var canonical = new Dictionary<int, int[]>();
        var compatibility = new Dictionary<int, int[]>();
        var width = new Dictionary<int, int[]>();
        var classes = new Dictionary<int, byte>();
        var composites = new Dictionary<(int First, int Second), int>();
        var assembly = typeof(UnicodeTables).Assembly;
        using var reader = new StreamReader(
            assembly.GetManifestResourceStream("UnicodeTables.txt") ?? throw new InvalidOperationException("UnicodeTables.txt is not embedded."));
        while (reader.ReadLine() is { } line)
        {
            if (line[0] == '#')
            {
                continue;
            }

            var fields = line.Split(' ');
            var codePoint = Hex(fields[1]);
            if (line[0] == 'M')
            {
                classes[codePoint] = byte.Parse(fields[2], CultureInfo.InvariantCulture);
                continue;
            }

            var mapping = Array.ConvertAll(fields[2..], Hex);
            switch (line[0])
            {
                case 'C':
                    composites[(mapping[0], mapping[1])] = codePoint;
                    canonical[codePoint] = mapping;
                    break;
                case 'c':
                    canonical[codePoint] = mapping;
                    break;
                case 'W':
                    width[codePoint] = mapping;
                    break;
                default:
                    compatibility[codePoint] = mapping;
                    break;
            }
        }

        return new UnicodeTables(canonical, compatibility, width, classes, composites);
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
