using Microsoft.Win32.SafeHandles;

namespace MailGrains.Gateways.Tls;

/// <summary>By what a changed file is told. Of the open file, since a path's own data would be that of a symbolic link.</summary>
internal readonly record struct FileStamp(DateTime Written, long Bytes)
{
    public static FileStamp Of(SafeFileHandle handle) => new(File.GetLastWriteTimeUtc(handle), RandomAccess.GetLength(handle));

    /// <summary>The default where the file can't be opened.</summary>
    public static FileStamp Of(string? path)
    {
        if (path is null)
        {
            return default;
        }

        try
        {
            using var handle = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            return Of(handle);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default;
        }
    }
}

/// <summary>Of a certificate's file and its key's.</summary>
internal readonly record struct FileStamps(FileStamp Chain, FileStamp Key)
{
    public static FileStamps Of(CertificateFile file) => new(FileStamp.Of(file.Path), FileStamp.Of(file.KeyPath));
}
