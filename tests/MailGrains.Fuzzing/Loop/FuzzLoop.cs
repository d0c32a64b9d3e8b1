using System.Diagnostics;
using System.Globalization;

namespace MailGrains.Fuzzing.Loop;

/// <summary>
/// Runs inputs one after another on one thread, keeps those that reach new code, and makes the next ones of them. It ends at the first finding: an
/// exception of the target, an input that does not end in time, one that allocates too much, or a heap that grows.
/// </summary>
internal sealed class FuzzLoop
{
    private const int TrimTries = 24;

    private readonly FuzzTarget _target;
    private readonly FuzzOptions _options;
    private readonly EdgeMap _edges = new();
    private readonly Corpus _corpus;
    private readonly Mutator _mutator;
    private readonly TimeSpan _processorTimeAtStart = Environment.CpuUsage.TotalTime;
    private byte[] _current = [];
    private long _startedAt;
    private long _inputs;
    private long _maxAllocated;
    private long _maxHeld;
    private long _heldAfterStart;

    public FuzzLoop(FuzzTarget target, FuzzOptions options)
    {
        var random = new Random(options.Seed);
        _target = target;
        _options = options;
        _corpus = new Corpus(random, options.MaxCorpus);
        _mutator = new Mutator(random, target.Words, options.MaxInputBytes);
    }

    public IReadOnlyList<byte[]> Kept => _corpus.Inputs;

    public FuzzReport Run()
    {
        FuzzReport? report = null;
        var work = new Thread(() => report = RunInputs()) { IsBackground = true, Name = _target.Name };
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        work.Start();
        while (!work.Join(TimeSpan.FromMilliseconds(200)))
        {
            if (Stopwatch.GetElapsedTime(Volatile.Read(ref _startedAt)) > _options.InputTimeout)
            {
                // The thread can't be ended; it dies with the process.
                return Report($"No end after {_options.InputTimeout.TotalSeconds} s", _current);
            }
        }

        return report!;
    }

    private FuzzReport RunInputs()
    {
        // The empty one gives mutations a start where there are no seeds.
        foreach (var seed in _target.Seeds.Prepend([]))
        {
            if (Try(seed) is { } finding)
            {
                return Report(finding, seed);
            }

            _edges.Merge();
            _corpus.Add(seed);
        }

        while (_inputs < _options.Inputs)
        {
            var input = _mutator.Mutate(_corpus.Pick(), _corpus.Pick());
            if (Try(input) is { } finding)
            {
                return Report(finding, Reduce(input, finding));
            }

            if (_edges.Merge() && _options.IsGuided)
            {
                _corpus.Add(Trim(input));
            }

            if (HeapGrowth() is { } growth)
            {
                return Report(growth, null);
            }
        }

        return Report(null, null);
    }

    /// <summary>What was wrong with an input, or null.</summary>
    private string? Try(byte[] input)
    {
        _current = input;
        _inputs++;
        EdgeMap.Begin();
        Volatile.Write(ref _startedAt, Stopwatch.GetTimestamp());
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            _target.Run(input);
        }
        catch (Exception exception)
        {
            return exception.ToString();
        }

        // Where no input was kept yet, code is loaded.
        var allocated = _corpus.Count == 0 ? 0 : GC.GetAllocatedBytesForCurrentThread() - before;
        _maxAllocated = Math.Max(_maxAllocated, allocated);
        return allocated > _options.MaxAllocatedBytes ? $"{input.Length} octets made it allocate {allocated}" : null;
    }

    /// <summary>Cuts out what an input does not need to reach what it reaches.</summary>
    private byte[] Trim(byte[] input)
    {
        Try(input);
        var signature = EdgeMap.Signature();
        return Shorten(input, TrimTries, shorter => Try(shorter) is null && EdgeMap.Signature() == signature);
    }

    private byte[] Reduce(byte[] input, string finding)
    {
        var headline = Headline(finding);
        return Shorten(input, 2_000, shorter => Try(shorter) is { } again && Headline(again) == headline);
    }

    private static byte[] Shorten(byte[] input, int tries, Func<byte[], bool> isSame)
    {
        for (var size = input.Length / 2; size > 0 && tries > 0; size /= 2)
        {
            for (var at = 0; at + size <= input.Length && tries > 0; tries--)
            {
                byte[] shorter = [.. input.AsSpan(0, at), .. input.AsSpan(at + size)];
                if (isSame(shorter))
                {
                    input = shorter;
                }
                else
                {
                    at += size;
                }
            }
        }

        return input;
    }

    /// <summary>The kind of exception, without numbers that depend on the input.</summary>
    private static string Headline(string finding) =>
        new([.. finding.TakeWhile(c => c is not '\r' and not '\n').Where(c => !char.IsDigit(c)).Take(60)]);

    private string? HeapGrowth()
    {
        var tenth = Math.Max(1, _options.Inputs / 10);
        if (_inputs % 1_024 == 0)
        {
            _maxHeld = Math.Max(_maxHeld, GC.GetTotalMemory(false));
        }

        if (_inputs < tenth || (_inputs % tenth != 0 && _heldAfterStart != 0))
        {
            return null;
        }

        var held = GC.GetTotalMemory(true);
        _heldAfterStart = _heldAfterStart == 0 ? held : _heldAfterStart;
        var grown = held - _heldAfterStart;
        return grown > _options.MaxGrowthBytes ? string.Create(CultureInfo.InvariantCulture, $"The heap has grown by {grown} octets") : null;
    }

    private FuzzReport Report(string? finding, byte[]? input) =>
        new(_target.Name, _inputs, _corpus.Count, _edges.Edges, Environment.CpuUsage.TotalTime - _processorTimeAtStart, _maxAllocated, _maxHeld, finding, input);
}
