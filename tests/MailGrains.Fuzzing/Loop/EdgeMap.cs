using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace MailGrains.Fuzzing.Loop;

/// <summary>
/// The edges that instrumented code counts, one octet each, and which of them were ever taken how often: as AFL does, counts are put into eight
/// classes (1, 2, 3, 4-7, 8-15, 16-31, 32-127, more), and an input is new when an edge reaches a class that it never had. There is one map a process.
/// </summary>
internal sealed unsafe class EdgeMap
{
    private const int Bytes = 1 << 16;

    private static readonly byte* Counts = Allocate();
    private static readonly byte[] Classes = [.. Enumerable.Range(0, 256).Select(count => ClassOf(count))];

    private readonly byte[] _seen = new byte[Bytes];

    /// <summary>Edges that were taken by any input so far.</summary>
    public int Edges { get; private set; }

    /// <summary>Instrumented code writes without asking whether there is a map, so there must be one before any is run.</summary>
    public static void Prepare() => Trace.SharedMem = Counts;

    public static void Begin()
    {
        new Span<byte>(Counts, Bytes).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Stands for the edges of the last input and their classes.</summary>
    public static int Signature()
    {
        var hash = new HashCode();
        var words = new ReadOnlySpan<ulong>(Counts, Bytes / sizeof(ulong));
        for (var i = words.IndexOfAnyExcept(0UL); i >= 0 && i < words.Length; i++)
        {
            if (words[i] == 0)
            {
                continue;
            }

            for (var at = i * sizeof(ulong); at < (i + 1) * sizeof(ulong); at++)
            {
                hash.Add((at << 8) | Classes[Counts[at]]);
            }
        }

        return hash.ToHashCode();
    }

    /// <summary>Adds the edges of the last input; true when it showed something new.</summary>
    public bool Merge()
    {
        var isNew = false;
        var words = new ReadOnlySpan<ulong>(Counts, Bytes / sizeof(ulong));
        for (var i = 0; i < words.Length; i++)
        {
            var next = words[i..].IndexOfAnyExcept(0UL);
            if (next < 0)
            {
                break;
            }

            i += next;
            isNew |= MergeWord(i * sizeof(ulong));
        }

        return isNew;
    }

    private bool MergeWord(int start)
    {
        var isNew = false;
        for (var at = start; at < start + sizeof(ulong); at++)
        {
            var reached = Classes[Counts[at]];
            if ((reached & ~_seen[at]) != 0)
            {
                Edges += _seen[at] == 0 ? 1 : 0;
                _seen[at] |= reached;
                isNew = true;
            }
        }

        return isNew;
    }

    private static byte* Allocate() => (byte*)NativeMemory.AllocZeroed(Bytes);

    private static byte ClassOf(int count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
