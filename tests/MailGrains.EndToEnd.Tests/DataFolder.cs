namespace MailGrains.EndToEnd.Tests;

/// <summary>A data folder that goes with its test.</summary>
public sealed class DataFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mailgrains").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
