using System.Globalization;

namespace MailGrains.Fuzzing.Loop;

/// <summary>What one run of the loop came to.</summary>
/// <param name="Edges">That were ever taken: pairs of branches, as SharpFuzz counts them.</param>
/// <param name="ProcessorTime">Of the process, compiling included.</param>
/// <param name="MaxAllocatedBytes">By one input.</param>
/// <param name="MaxHeldBytes">The managed heap, as sampled.</param>
/// <param name="Finding">Null: nothing was wrong.</param>
/// <param name="FindingInput">Made smaller while it still shows the same.</param>
public sealed record FuzzReport(
    string Target, long Inputs, int Corpus, int Edges, TimeSpan ProcessorTime, long MaxAllocatedBytes, long MaxHeldBytes, string? Finding, byte[]? FindingInput)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Target} | {Inputs:N0} | {Corpus:N0} | {Edges:N0} | {ProcessorTime.TotalSeconds:F0} s | {MaxAllocatedBytes / 1024:N0} KiB | {MaxHeldBytes >> 20:N0} MiB |");
}
