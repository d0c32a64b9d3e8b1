using System.Diagnostics;
using System.Reflection;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>The Bicep compiler of the package that the project downloads. It asks no network.</summary>
internal static class BicepProgram
{
    private static string Path { get; } = typeof(BicepProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Bicep").Value!;

    /// <summary>Runs it to its end; a failure is an answer too.</summary>
    public static async Task<BicepAnswer> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        // It lives for seconds: a quarter of its processor time would go to what only pays later.
        var start = new ProcessStartInfo(Path, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_gcConcurrent"] = "0";
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var diagnostics = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new BicepAnswer(process.ExitCode, await output, await diagnostics);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}

/// <param name="ExitCode">0 also where there are warnings.</param>
/// <param name="Output">The template, the formatted text or the snapshot's differences.</param>
/// <param name="Diagnostics">A line a warning or error: <c>file(line,column) : Error name: text</c>.</param>
internal sealed record BicepAnswer(int ExitCode, string Output, string Diagnostics);
