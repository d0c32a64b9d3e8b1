using System.Runtime.InteropServices;

namespace MailGrains.Storage.Sqlite.Files;

/// <summary>
/// What .NET has no call for: syncing a directory, and giving a file a name only where the name is free. On Windows neither is needed:
/// NTFS journals directories, and its move does not overwrite.
/// </summary>
internal static partial class DurableFiles
{
    private const int NoEntry = 2;
    private const int Exists = 17;
    private const int NoSpace = 28;

    /// <summary>Puts the names in a directory on stable storage.</summary>
    /// <exception cref="IOException">Failed.</exception>
    public static void SyncDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var directory = Open(path, OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000); // O_RDONLY | O_CLOEXEC
        if (directory < 0)
        {
            throw Failure("open", path);
        }

        var failure = Sync(directory) == 0 ? null : Failure("fsync", path);
        _ = Close(directory);
        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>
    /// Gives a file its final name beside the old one, which the caller removes; false, and nothing is changed, where the name is taken.
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The directory of the new name is not there.</exception>
    /// <exception cref="IOException">Failed.</exception>
    public static bool TryName(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            try
            {
                File.Move(from, to, overwrite: false);
                return true;
            }
            catch (IOException) when (File.Exists(to))
            {
                return false;
            }
        }

        if (Link(from, to) != 0)
        {
            return Marshal.GetLastPInvokeError() switch
            {
                Exists => false,
                NoEntry => throw new DirectoryNotFoundException(to),
                _ => throw Failure("link", to),
            };
        }

        return true;
    }

    public static bool IsDiskFull(this IOException e) =>
        e.HResult == NoSpace || e.HResult == (OperatingSystem.IsMacOS() ? 69 : 122) || e.HResult == unchecked((int)0x80070070);

    private static IOException Failure(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of '{path}': {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);
}
