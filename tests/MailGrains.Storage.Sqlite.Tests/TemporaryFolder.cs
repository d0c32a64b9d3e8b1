namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>A folder of one test's own, deleted at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mailgrains-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
