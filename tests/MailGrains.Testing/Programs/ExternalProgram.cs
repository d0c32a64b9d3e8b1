using System.Diagnostics;

namespace MailGrains.Testing.Programs;

/// <summary>A program that runs to its end.</summary>
public static class ExternalProgram
{
    /// <summary>What it wrote on standard output.</summary>
    /// <param name="program">A path, or a name that is looked for.</param>
    /// <param name="arguments">Each one word.</param>
    /// <param name="cancellationToken">Ends the program too.</param>
    /// <param name="input">For its standard input; null: none.</param>
    /// <exception cref="InvalidOperationException">Its exit code was not 0; the message holds all that it wrote.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken, string? input = null)
    {
        string[] words = [.. arguments];
        using var process = Process.Start(new ProcessStartInfo(program, words)
        {
            RedirectStandardInput = input is not null,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
                process.StandardInput.Close();
            }

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
