namespace MailGrains.Testing.Hosts;

/// <summary>The folder that this was built in, and what of it tests start.</summary>
public static class Repository
{
    private const string Mark = "MailGrains.sln";

    /// <summary>The folder that holds the solution.</summary>
    public static string Folder { get; } = Find();

    /// <summary>The host as it is built for production (Release), to be run by <c>dotnet</c>.</summary>
    /// <exception cref="FileNotFoundException">It was not built yet.</exception>
    public static string HostAssembly
    {
        get
        {
            var path = Path.Combine(Folder, "src", "MailGrains.Host", "bin", "Release", "net10.0", "MailGrains.Host.dll");
            return File.Exists(path) ? path : throw new FileNotFoundException("Build it first: dotnet build -c Release src/MailGrains.Host", path);
        }
    }

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Mark)))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No {Mark} was found above {AppContext.BaseDirectory}.");
    }
}
