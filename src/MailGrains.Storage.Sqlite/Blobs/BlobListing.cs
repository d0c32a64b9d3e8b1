using System.IO.Enumeration;
using MailGrains.Storage.Blobs;

namespace MailGrains.Storage.Sqlite.Blobs;

/// <summary>
/// Lists blobs in ordinal order of their names, with bounded memory: of each directory on the way down it holds the next
/// few thousand entries and reads the directory again when they are used up.
/// </summary>
internal static class BlobListing
{
    private const int MaxHeld = 8192;

    /// <param name="root">The folder of all blobs.</param>
    /// <param name="prefix">What the names start with.</param>
    /// <param name="maxHeld">Entries of one directory that are in memory at a time.</param>
    public static IEnumerable<BlobItem> Of(string root, string prefix, int maxHeld = MaxHeld)
    {
        var (path, chars) = BlobPath.DirectoryOf(prefix);
        return Walk(Path.Combine(root, path), prefix[..chars], prefix, maxHeld);
    }

    private static IEnumerable<BlobItem> Walk(string directory, string stem, string prefix, int maxHeld)
    {
        string? last = null;
        while (true)
        {
            var entries = Next(directory, stem, prefix, last, maxHeld);
            foreach (var entry in entries)
            {
                var path = Path.Combine(directory, entry.FileName);
                if (entry.IsDirectory)
                {
                    foreach (var item in Walk(path, stem + entry.Name, prefix, maxHeld))
                    {
                        yield return item;
                    }
                }
                else if (new FileInfo(path) is { Exists: true } file)
                {
                    yield return new(stem + entry.Name, file.Length, file.LastWriteTimeUtc);
                }
            }

            if (entries.Count < maxHeld)
            {
                yield break;
            }

            last = entries[^1].Name;
        }
    }

    /// <summary>The first entries behind <paramref name="last"/> that can lead to a name with the prefix, in order.</summary>
    private static List<(string FileName, string Name, bool IsDirectory)> Next(string directory, string stem, string prefix, string? last, int maxHeld)
    {
        var first = new PriorityQueue<(string FileName, string Name, bool IsDirectory), string>(Comparer<string>.Create((a, b) => string.CompareOrdinal(b, a)));
        try
        {
            foreach (var entry in new FileSystemEnumerable<Entry>(
                directory, static (ref FileSystemEntry e) => Entry.Of(ref e), new EnumerationOptions { AttributesToSkip = 0 }))
            {
                if (entry.Name is { } name && string.CompareOrdinal(name, last) > 0 && Leads(stem + name, entry.IsDirectory, prefix))
                {
                    first.Enqueue((entry.FileName, name, entry.IsDirectory), name);
                    if (first.Count > maxHeld)
                    {
                        first.Dequeue();
                    }
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }

        var entries = first.UnorderedItems.Select(i => i.Element).ToList();
        entries.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return entries;
    }

    private static bool Leads(string name, bool isDirectory, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) || (isDirectory && prefix.StartsWith(name, StringComparison.Ordinal));

    /// <param name="Name">What the entry adds to a blob's name; null where it is none of ours.</param>
    private readonly record struct Entry(string FileName, string? Name, bool IsDirectory)
    {
        public static Entry Of(ref FileSystemEntry entry) =>
            BlobPath.TryRead(entry.FileName, entry.IsDirectory, out var name)
                ? new(entry.FileName.ToString(), name, entry.IsDirectory)
                : default;
    }
}
