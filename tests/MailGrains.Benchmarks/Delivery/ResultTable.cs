using System.Globalization;
using System.Text;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>The measurements as a Markdown table, and those of two servers under one load as a ratio.</summary>
internal static class ResultTable
{
    private const double MiB = 1024 * 1024;

    public static string Of(IReadOnlyCollection<Measurement> measurements)
    {
        var text = new StringBuilder();
        text.AppendLine("| body | mailboxes | sessions | server | messages | messages/s | CPU ms a message | reply p50 ms | p99 ms | peak MiB | commits a message |");
        text.AppendLine("|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var m in measurements.OrderBy(m => m.Load.Row))
        {
            var commits = m.Committed is { } committed ? ((double)committed / m.Messages).ToString("F3", CultureInfo.InvariantCulture) : "";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {Columns(m.Load)} | {m.Server} | {m.Messages} | {m.Throughput:F0} | {m.ProcessorPerMessage:F3} | {m.Median.TotalMilliseconds:F2} | {m.Percentile99.TotalMilliseconds:F2} | {m.PeakMemory / MiB:F0} | {commits} |");
        }

        return text.ToString();
    }

    /// <summary>How many times the peer's throughput, and what part of its processor time a message.</summary>
    public static string Ratios(IReadOnlyCollection<Measurement> ours, IReadOnlyCollection<Measurement> peers)
    {
        var text = new StringBuilder();
        text.AppendLine("| body | mailboxes | sessions | times the peer's messages/s | peer's CPU a message over ours |");
        text.AppendLine("|---:|---:|---:|---:|---:|");
        foreach (var (our, peer) in ours.Join(peers, m => m.Load, m => m.Load, (our, peer) => (our, peer)))
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"| {Columns(our.Load)} | {our.Throughput / peer.Throughput:F1} | {peer.ProcessorPerMessage / our.ProcessorPerMessage:F1} |");
        }

        return text.ToString();
    }

    private static string Columns(Load load) =>
        string.Create(CultureInfo.InvariantCulture, $"{load.Bytes} | {load.Mailboxes} | {load.Sessions}");
}
