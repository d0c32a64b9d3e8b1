using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MailGrains.Storage.Sqlite.Files;

/// <summary>
/// What .NET has no call for: syncing a file so that a failure is noticed, syncing a directory, and giving a file a name only where the
/// name is free. On Windows only the first is needed, and .NET's own call does it: NTFS journals directories, and its move does not overwrite.
/// </summary>
internal static partial class DurableFiles
{
    private const int NotPermitted = 1;
    private const int NoEntry = 2;
    private const int Interrupted = 4;
    private const int Exists = 17;
    private const int NoSpace = 28;
    private const int FullSync = 51;

    private static readonly Lock Moves = new();

    /// <summary>The error of a user or group that has used up its share of the disk.</summary>
    public static int QuotaExceeded => OperatingSystem.IsMacOS() ? 69 : 122;

    private static int NotSupported => OperatingSystem.IsMacOS() ? 45 : 95;

    private static int NotImplemented => OperatingSystem.IsMacOS() ? 78 : 38;

    /// <summary>
    /// Puts a file's bytes on stable storage. On Unix not by .NET's call (<c>RandomAccess.FlushToDisk</c>): as of 10.0.12 it reports success
    /// when fsync has failed.
    /// </summary>
    /// <exception cref="IOException">Failed; the bytes may be lost, whatever a later sync says.</exception>
    public static void SyncFile(SafeFileHandle file, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            RandomAccess.FlushToDisk(file);
            return;
        }

        var held = false;
        try
        {
            file.DangerousAddRef(ref held);
            Sync((int)file.DangerousGetHandle(), path);
        }
        finally
        {
            if (held)
            {
                file.DangerousRelease();
            }
        }
    }

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

        try
        {
            Sync(directory, path);
        }
        finally
        {
            _ = Close(directory);
        }
    }

    /// <summary>
    /// Gives a file its final name; false, and nothing is changed, where the name is taken. The old name may stay; the caller removes it.
    /// <para>Where the file system has no hard links the file is moved, and only this process's writers are sure not to overwrite each other.</para>
    /// </summary>
    /// <exception cref="DirectoryNotFoundException">The directory of the new name is not there.</exception>
    /// <exception cref="IOException">Failed.</exception>
    public static bool TryName(string from, string to)
    {
        if (OperatingSystem.IsWindows())
        {
            return TryMove(from, to);
        }

        if (Link(from, to) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() switch
        {
            Exists => false,
            NoEntry => throw new DirectoryNotFoundException(to),
            var error when error == NotPermitted || error == NotSupported || error == NotImplemented => TryMove(from, to),
            _ => throw Failure("link", to),
        };
    }

    public static bool IsDiskFull(this IOException e) =>
        e.HResult == NoSpace || e.HResult == QuotaExceeded || e.HResult == unchecked((int)0x80070070);

    private static bool TryMove(string from, string to)
    {
        lock (Moves)
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
    }

    private static void Sync(int file, string path)
    {
        // On macOS a plain fsync leaves the bytes in the drive's cache; some file systems know nothing else.
        if (OperatingSystem.IsMacOS() && Control(file, FullSync) == 0)
        {
            return;
        }

        while (Sync(file) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw Failure("fsync", path);
            }
        }
    }

    private static IOException Failure(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of '{path}': {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int file);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int file, int command);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);
}
