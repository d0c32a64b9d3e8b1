using System.Text;

namespace MailGrains.Storage.Sqlite.Blobs;

/// <summary>
/// Where a blob lies: a directory for each segment of its name, a file for the last. A file's name ends with <c>%f</c>, so that
/// "a" and "a/b" can both be. The characters that Windows does not take are written as % and two hex digits. A segment of
/// <see cref="ChunkChars"/> characters or more is cut into directories that end with <c>%c</c> and a rest, which may be empty (a directory
/// is then called <c>%d</c>), since file systems take 255 bytes a name.
/// <para>In a directory, what sorts by <see cref="TryRead"/>'s names is in the order of the blobs' names: no two subtrees interleave.</para>
/// </summary>
internal static class BlobPath
{
    public const int ChunkChars = 80;

    private const string FileMark = "%f";
    private const string ChunkMark = "%c";
    private const string EmptyDirectory = "%d";

    /// <summary>The path of a blob below the folder of all blobs. The name is one that <see cref="Storage.Blobs.BlobName"/> allows.</summary>
    public static string Of(string name)
    {
        var path = new StringBuilder(name.Length + 16);
        var start = 0;
        for (int slash; (slash = name.IndexOf('/', start)) >= 0; start = slash + 1)
        {
            AppendDirectory(path, name.AsSpan(start, slash - start));
        }

        Escape(path, AppendChunks(path, name.AsSpan(start)));
        return path.Append(FileMark).ToString();
    }

    /// <summary>
    /// The deepest directory that holds all blobs whose names start with <paramref name="prefix"/>, and how many characters of the
    /// prefix its path stands for.
    /// </summary>
    public static (string Path, int Chars) DirectoryOf(string prefix)
    {
        var path = new StringBuilder();
        var start = 0;
        for (int slash; (slash = prefix.IndexOf('/', start)) >= 0; start = slash + 1)
        {
            AppendDirectory(path, prefix.AsSpan(start, slash - start));
        }

        var rest = AppendChunks(path, prefix.AsSpan(start));
        return (path.ToString(), prefix.Length - rest.Length);
    }

    /// <summary>What an entry of a directory adds to a blob's name; false for a file that is none of ours.</summary>
    public static bool TryRead(ReadOnlySpan<char> entry, bool isDirectory, out string name)
    {
        name = "";
        if (!isDirectory)
        {
            return entry.EndsWith(FileMark) && TryUnescape(entry[..^FileMark.Length], out name);
        }

        if (entry.SequenceEqual(EmptyDirectory))
        {
            name = "/";
            return true;
        }

        if (entry.EndsWith(ChunkMark))
        {
            return TryUnescape(entry[..^ChunkMark.Length], out name);
        }

        var known = TryUnescape(entry, out name);
        name += "/";
        return known;
    }

    private static void AppendDirectory(StringBuilder path, ReadOnlySpan<char> segment)
    {
        var rest = AppendChunks(path, segment);
        if (rest.IsEmpty)
        {
            path.Append(EmptyDirectory);
        }

        Escape(path, rest);
        path.Append(Path.DirectorySeparatorChar);
    }

    private static ReadOnlySpan<char> AppendChunks(StringBuilder path, ReadOnlySpan<char> segment)
    {
        for (; segment.Length >= ChunkChars; segment = segment[ChunkChars..])
        {
            Escape(path, segment[..ChunkChars]);
            path.Append(ChunkMark).Append(Path.DirectorySeparatorChar);
        }

        return segment;
    }

    private static void Escape(StringBuilder path, ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            _ = c switch
            {
                ':' => path.Append("%3A"),
                ' ' => path.Append("%20"),
                _ => path.Append(c),
            };
        }
    }

    private static bool TryUnescape(ReadOnlySpan<char> text, out string name)
    {
        name = text.ToString().Replace("%3A", ":", StringComparison.Ordinal).Replace("%20", " ", StringComparison.Ordinal);
        return !name.Contains('%', StringComparison.Ordinal);
    }
}
