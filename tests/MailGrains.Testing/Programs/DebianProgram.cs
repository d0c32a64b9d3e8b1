using MailGrains.Testing.Hosts;
using Xunit;

namespace MailGrains.Testing.Programs;

/// <summary>Programs of the packages in <c>tests/debian-packages</c> and <c>tests/debian-unpacked</c>, which are not on every machine.</summary>
public static class DebianProgram
{
    private static readonly string[] SystemFolders = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

    /// <summary>
    /// The path of a program. Where it is not installed the test is skipped, naming the package; with <c>CI=true</c> it fails.
    /// </summary>
    /// <param name="program">Its file name, or an absolute path.</param>
    /// <param name="package">The Debian package that holds it, one of <c>tests/debian-packages</c>.</param>
    public static string Require(string program, string package)
    {
        if (Find(program) is { } path)
        {
            return path;
        }

        Miss($"needs '{program}' of the Debian package {package}");
        return "";
    }

    /// <summary>The folder that <c>tests/run</c> has unpacked packages into, as if it were the root. Without the file the test is skipped; with <c>CI=true</c> it fails.</summary>
    /// <param name="file">Its path in there.</param>
    /// <param name="package">The Debian package that holds it, one of <c>tests/debian-unpacked</c>.</param>
    public static string RequireUnpacked(string file, string package)
    {
        var folder = Path.Combine(Repository.Folder, "tests", "unpacked");
        if (!File.Exists(Path.Combine(folder, file)))
        {
            Miss($"needs '{file}' of the Debian package {package}, unpacked");
        }

        return folder;
    }

    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Concat(SystemFolders)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);

    private static void Miss(string reason)
    {
        if (Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail(reason);
        }

        Assert.Skip(reason);
    }
}
