using System.Diagnostics;
using System.Reflection;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>
/// Plays a part of a test in a process of its own, in surroundings that a process can't give itself: a small disk, a limit, or just
/// beside another one.
/// </summary>
internal static class ChildProcess
{
    public const string Verb = "child";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly Dictionary<string, Func<string, Task>> Parts = new()
    {
        [nameof(FullDiskTests.OnASmallDiskAsync)] = FullDiskTests.OnASmallDiskAsync,
        [nameof(FullDiskTests.WithSmallFilesAsync)] = FullDiskTests.WithSmallFilesAsync,
        [nameof(FailingDiskTests.WithAFailedSyncOfTheLogAsync)] = FailingDiskTests.WithAFailedSyncOfTheLogAsync,
        [nameof(FailingDiskTests.WithAQuotaAsync)] = FailingDiskTests.WithAQuotaAsync,
        [nameof(FailingDiskTests.WithFailedSyncsOfTheFileAsync)] = FailingDiskTests.WithFailedSyncsOfTheFileAsync,
        [nameof(FailingDiskTests.WithAFailedSyncOfABlobAsync)] = FailingDiskTests.WithAFailedSyncOfABlobAsync,
        [nameof(FailingDiskTests.WithAFailedSyncOfAFolderAsync)] = FailingDiskTests.WithAFailedSyncOfAFolderAsync,
        [nameof(FailingDiskTests.WithoutHardLinksAsync)] = FailingDiskTests.WithoutHardLinksAsync,
        [nameof(SharedFolderTests.AsTheSecondProcessAsync)] = SharedFolderTests.AsTheSecondProcessAsync,
    };

    /// <summary>Plays a part in this process, which is the child; the exit code is its result.</summary>
    public static async Task<int> PlayAsync(string part, string folder)
    {
        try
        {
            await Parts[part](folder);
            return 0;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return 1;
        }
    }

    /// <summary>Has a child play a part, and fails with its output where it fails.</summary>
    /// <param name="part">The name of the method.</param>
    /// <param name="folder">The folder that it works in.</param>
    /// <param name="surroundings">A shell script that makes the surroundings and then runs "$@"; the folder is $FOLDER.</param>
    /// <param name="cancellationToken">Ends the child.</param>
    public static async Task RunAsync(string part, string folder, string surroundings, CancellationToken cancellationToken)
    {
        var (code, output) = await RunScriptAsync(surroundings, folder, [.. Self(), Verb, part, folder], cancellationToken);
        Assert.True(code == 0, output);
    }

    /// <summary>Whether a shell script runs to its end with success; the folder is $FOLDER.</summary>
    public static async Task<bool> CanAsync(string script, string folder, CancellationToken cancellationToken) =>
        (await RunScriptAsync(script, folder, [], cancellationToken)).Code == 0;

    private static async Task<(int Code, string Output)> RunScriptAsync(
        string script, string folder, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        using var child = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script, "sh", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["FOLDER"] = folder },
        })!;
        try
        {
            var output = child.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = child.StandardError.ReadToEndAsync(patience.Token);
            await child.WaitForExitAsync(patience.Token);
            return (child.ExitCode, await output + await errors);
        }
        catch
        {
            child.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static string[] Self() => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
        ? [path]
        : [Environment.ProcessPath!, Assembly.GetExecutingAssembly().Location];
}
