using System.Diagnostics;

namespace MailGrains.Benchmarks.Programs;

/// <summary>A program that runs to its end.</summary>
internal static class ExternalProgram
{
    /// <summary>What it wrote on standard output.</summary>
    /// <exception cref="InvalidOperationException">Its exit code was not 0; the message holds all that it wrote.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        string[] words = [.. arguments];
        using var process = Process.Start(new ProcessStartInfo(program, words) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException(
                    $"{program} {string.Join(' ', words)} ended with {process.ExitCode}:\n{await output}{await errors}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
