using System.Security.Cryptography;
using System.Text;
using MailGrains.Host.Configuration;

namespace MailGrains.Host.Startup;

/// <summary>A secret that was configured, or is made once and kept in a file that only its owner can read.</summary>
/// <param name="Path">The file; null where the secret was configured.</param>
internal sealed record Secret(string Value, string? Path)
{
    private const int RandomBytes = 32;
    private const int MostWaitMilliseconds = 5_000;
    private const int RetryMilliseconds = 10;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public override string ToString() => nameof(Secret);

    /// <summary>256 bits as hexadecimal digits.</summary>
    public static string Random() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>A file in the data folder stands in for a setting with the embedded store only: elsewhere it would be one machine's, or a container's.</summary>
    /// <param name="setting">Its name below <c>MailGrains</c>.</param>
    /// <exception cref="SettingsException">It is not configured, and there is no data folder.</exception>
    /// <exception cref="IOException">The file can't be read or made.</exception>
    public static Secret Of(string? configured, StorageSettings storage, string setting, string fileName)
    {
        if (configured is null && storage.Provider != StorageProvider.Sqlite)
        {
            var name = $"{SettingsReader.Root}:{setting}";
            var secret = name.Replace(":", "--", StringComparison.Ordinal);
            throw new SettingsException(
                $"{name} is not set, and with the storage provider {storage.Provider} it is not kept in a data folder. Make it a secret of the vault that " +
                $"{SettingsReader.Root}:Vault:Uri names, and start again: az keyvault secret set --vault-name <vault> --name {secret} --value \"$(openssl rand -hex 32)\"");
        }

        return Of(configured, storage.Path, fileName);
    }

    /// <exception cref="IOException">The file can't be read or made.</exception>
    public static Secret Of(string? configured, string folder, string fileName)
    {
        if (configured is not null)
        {
            return new Secret(configured, null);
        }

        Directory.CreateDirectory(folder);
        var path = System.IO.Path.Combine(folder, fileName);
        for (var deadline = Environment.TickCount64 + MostWaitMilliseconds; ; Thread.Sleep(RetryMilliseconds))
        {
            try
            {
                return new Secret(ReadOrMake(path), path);
            }
            catch (IOException) when (Environment.TickCount64 < deadline)
            {
                // Another process holds it, to make it or to read it.
            }
        }
    }

    // The file is held exclusively meanwhile, so that of several processes one makes the secret and the others read it.
    private static string ReadOrMake(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using var stream = new FileStream(path, options);
        using var reader = new StreamReader(stream);
        if (reader.ReadToEnd().Trim() is { Length: > 0 } kept)
        {
            return kept;
        }

        var made = Random();
        stream.SetLength(0);
        stream.Write(Encoding.ASCII.GetBytes(made + "\n"));
        stream.Flush(flushToDisk: true);
        return made;
    }
}
