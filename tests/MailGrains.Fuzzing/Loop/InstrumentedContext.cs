using System.Reflection;
using System.Runtime.Loader;
using MailGrains.Fuzzing.Targets;
using SharpFuzz;
using FarTarget = (string Name, System.Collections.Generic.IReadOnlyList<byte[]> Seeds, System.Collections.Generic.IReadOnlyList<byte[]> Words, System.Action<byte[]> Run);

namespace MailGrains.Fuzzing.Loop;

/// <summary>
/// Loads the assemblies that are fuzzed a second time, from copies that SharpFuzz has rewritten, so that nothing that was built is changed. The targets
/// are loaded with them, and only types of the framework cross the border.
/// </summary>
internal sealed class InstrumentedContext : AssemblyLoadContext
{
    /// <summary>Which types of an assembly count edges; this one's do not, it only comes along.</summary>
    private static readonly Dictionary<string, Func<string, bool>?> Matchers = new()
    {
        ["MailGrains.Protocols"] = _ => true,
        ["MailGrains.Messages"] = _ => true,
        ["MailGrains.Gateways"] = type => type.StartsWith("MailGrains.Gateways.Connections.ProxyHeader", StringComparison.Ordinal),
        ["MailGrains.Fuzzing"] = null,
        ["MailGrains.Fuzzing.Tests"] = type => type.EndsWith(".PlantedDefect", StringComparison.Ordinal),
    };

    private static readonly Lazy<InstrumentedContext> Only = new(() => new InstrumentedContext());

    private static readonly Lazy<IReadOnlyList<FuzzTarget>> Loaded = new(LoadTargets);

    private InstrumentedContext() => EdgeMap.Prepare();

    /// <summary>All targets, on instrumented code.</summary>
    public static IReadOnlyList<FuzzTarget> Targets => Loaded.Value;

    /// <summary>The same type as it is on the instrumented side.</summary>
    public static Type TwinOf(Type type) => Only.Value.LoadFromAssemblyName(type.Assembly.GetName()).GetType(type.FullName!)!;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name is not { } name || !Matchers.TryGetValue(name, out var matcher))
        {
            return null;
        }

        var folder = Directory.CreateTempSubdirectory("mailgrains-fuzz-");
        try
        {
            var copy = Path.Combine(folder.FullName, name + ".dll");
            File.Copy(Path.Combine(AppContext.BaseDirectory, name + ".dll"), copy);
            if (matcher is not null)
            {
                // It works as its answer is read.
                _ = Fuzzer.Instrument(copy, matcher, SharpFuzz.Options.Value).Count();
            }

            using var stream = new MemoryStream(File.ReadAllBytes(copy));
            return LoadFromStream(stream);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static List<FuzzTarget> LoadTargets()
    {
        var all = TwinOf(typeof(FuzzTargets)).GetMethod(nameof(FuzzTargets.All))!.CreateDelegate<Func<IEnumerable<FarTarget>>>();
        return [.. all().Select(far => new FuzzTarget(far.Name, far.Seeds, far.Words, far.Run))];
    }
}
