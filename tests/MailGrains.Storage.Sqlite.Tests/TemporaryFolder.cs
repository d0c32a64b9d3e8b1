using Microsoft.Data.Sqlite;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>A folder of one test's own, deleted at its end.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mailgrains-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>Holds the database's write lock until the connection is disposed.</summary>
    public SqliteConnection LockDatabase()
    {
        var connection = new SqliteConnection($"Data Source={System.IO.Path.Combine(Path, "mailgrains.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        return connection;
    }
}
