using System.Formats.Tar;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Testing.Releases;

/// <summary>
/// The host of the release before this one, built from the repository's own history: the last tag below the commit that is checked out or, as long as there is
/// none, <see cref="FirstToLiveWith"/>. It is built once and kept in <c>tests/previous/</c>.
/// </summary>
public static class PreviousRelease
{
    /// <summary>The first state of the project whose store and grains later ones have to live with.</summary>
    public const string FirstToLiveWith = "06a75dbfeb060a068a0ed40de7f077030cea2812";

    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>The program, to be run by <c>dotnet</c>.</summary>
    /// <exception cref="InvalidOperationException">The history is not there, or it does not build; the message says what to do.</exception>
    public static async Task<string> HostAssemblyAsync(CancellationToken cancellationToken)
    {
        var commit = await FindAsync(cancellationToken);
        var home = Path.Combine(Repository.Folder, "tests", "previous");
        var folder = Path.Combine(home, commit);
        var mark = Path.Combine(folder, "built");
        Directory.CreateDirectory(home);

        // Another test process may be about the same.
        await using var held = await LockAsync(folder + ".lock", cancellationToken);
        if (!File.Exists(mark))
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            await ExtractAsync(commit, folder, cancellationToken);
            await BuildAsync(folder, cancellationToken);
            await File.WriteAllTextAsync(mark, commit, cancellationToken);
        }

        return Path.Combine(folder, "src", "MailGrains.Host", "bin", "Release", "net10.0", "MailGrains.Host.dll");
    }

    /// <summary>Whether the release before this one is <see cref="FirstToLiveWith"/>.</summary>
    public static async Task<bool> IsFirstAsync(CancellationToken cancellationToken) => await FindAsync(cancellationToken) == FirstToLiveWith;

    private static async Task<string> FindAsync(CancellationToken cancellationToken)
    {
        var reference = FirstToLiveWith;
        try
        {
            reference = (await GitAsync(["describe", "--tags", "--abbrev=0", "HEAD^"], cancellationToken)).Trim();
        }
        catch (InvalidOperationException)
        {
            // No tag, or not even a commit below.
        }

        try
        {
            return (await GitAsync(["rev-parse", "--verify", reference + "^{commit}"], cancellationToken)).Trim();
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            throw new InvalidOperationException(
                $"The release before this one, commit {reference}, is not in this clone, and what it wrote can't be read without it. A shallow clone gets its " +
                $"history by 'git fetch --unshallow --tags'; in a workflow, actions/checkout by 'fetch-depth: 0'. ({e.Message.Trim()})",
                e);
        }
    }

    private static async Task ExtractAsync(string commit, string folder, CancellationToken cancellationToken)
    {
        var archive = folder + ".tar";
        await GitAsync(["archive", "--format=tar", "-o", archive, commit], cancellationToken);
        Directory.CreateDirectory(folder);
        await TarFile.ExtractToDirectoryAsync(archive, folder, overwriteFiles: false, cancellationToken);
        File.Delete(archive);
    }

    // A newer compiler may warn of what the one of that time did not.
    private static async Task BuildAsync(string folder, CancellationToken cancellationToken) => await ExternalProgram.RunAsync(
        "dotnet",
        [
            "build", Path.Combine(folder, "src", "MailGrains.Host"), "-c", "Release", "-v", "quiet", "-nodeReuse:false", "-p:UseSharedCompilation=false",
            "-p:TreatWarningsAsErrors=false", "-p:RunAnalyzers=false",
        ],
        cancellationToken);

    private static Task<string> GitAsync(string[] words, CancellationToken cancellationToken) =>
        ExternalProgram.RunAsync("git", ["-c", "safe.directory=*", "-C", Repository.Folder, .. words], cancellationToken);

    private static async Task<FileStream> LockAsync(string file, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(LookAgainAfter, cancellationToken);
            }
        }
    }
}
