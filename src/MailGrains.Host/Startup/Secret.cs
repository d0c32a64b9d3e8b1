using System.Security.Cryptography;

namespace MailGrains.Host.Startup;

/// <summary>A secret that was configured, or is made once and kept in a file that only its owner can read.</summary>
/// <param name="Path">The file; null where the secret was configured.</param>
internal sealed record Secret(string Value, string? Path)
{
    private const int RandomBytes = 32;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public override string ToString() => nameof(Secret);

    /// <exception cref="IOException">The file can't be read or made.</exception>
    public static Secret Of(string? configured, string folder, string fileName)
    {
        if (configured is not null)
        {
            return new Secret(configured, null);
        }

        var path = System.IO.Path.Combine(folder, fileName);
        for (; ; )
        {
            if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } kept)
            {
                return new Secret(kept, path);
            }

            Make(folder, path);
        }
    }

    // Written whole under another name, then given its own: a crash leaves no half of it, and of two processes one wins.
    private static void Make(string folder, string path)
    {
        Directory.CreateDirectory(folder);
        var made = System.IO.Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var stream = new FileStream(made, options))
        using (var writer = new StreamWriter(stream))
        {
            writer.WriteLine(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes)));
            writer.Flush();
            stream.Flush(flushToDisk: true);
        }

        try
        {
            // An empty file is what a crash of another program left: it is replaced.
            File.Move(made, path, overwrite: File.Exists(path) && new FileInfo(path).Length == 0);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(made);
        }
    }
}
