using CsCheck;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Sqlite.Blobs;

namespace MailGrains.Storage.Sqlite.Tests;

public sealed class BlobFolderTests : IDisposable
{
    /// <summary>Names that share prefixes, with segments around the length at which they are cut.</summary>
    private static readonly Gen<string> GenName = Gen.Select(
            Gen.OneOf(Gen.Int[0, 3], Gen.Int[78, 82], Gen.Int[158, 162]), Gen.Char["a-0/: ="].Array[1, 3],
            (filler, tail) => new string('n', filler) + new string(tail))
        .Array[1, 3].Select(segments => string.Join('/', segments)).Where(n => BlobName.Violation(n) is null);

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AnyNamesAreListedInOrderByAnyPrefixHoweverFewEntriesAreHeld()
    {
        var number = 0;
        Gen.Select(GenName.Array[1, 12], Gen.Int[0, 100], Gen.Int[1, 4]).Sample(
            (names, cut, held) =>
            {
                var root = Path.Combine(_folder.Path, $"{number++}");
                names = [.. names.Distinct()];
                foreach (var name in names)
                {
                    var path = Path.Combine(root, BlobPath.Of(name));
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    File.WriteAllBytes(path, []);
                }

                var prefix = names[0][..Math.Min(cut, names[0].Length)];
                Assert.Equal(
                    names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal),
                    BlobListing.Of(root, prefix, held).Select(b => b.Name));
                Assert.Equal(names.Order(StringComparer.Ordinal), BlobListing.Of(root, "", held).Select(b => b.Name));
            },
            iter: 150, threads: 1);
    }

    [Fact]
    public void EveryPathIsMadeOfNamesThatEveryFileSystemTakes() => GenName.Sample(name =>
        Assert.All(BlobPath.Of(name).Split(Path.DirectorySeparatorChar), part =>
        {
            Assert.InRange(part.Length, 1, 255);
            Assert.DoesNotContain(part, c => c is ':' or ' ' or '*' or '?' or '"' or '<' or '>' or '|' or '\\');
            Assert.False(part is "." or ".." || part.EndsWith('.'));
        }));

    [Fact]
    public async Task WhatACrashLeftIsRemovedWhenTheFolderIsOpenedAndIsNeverListed()
    {
        SqliteStore.Open(new() { Path = _folder.Path }).Dispose();
        var left = Path.Combine(_folder.Path, "incoming", Guid.NewGuid().ToString("N"));
        await File.WriteAllBytesAsync(left, new byte[100], Token);
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        Assert.False(File.Exists(left));
        await File.WriteAllBytesAsync(left, new byte[100], Token);
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, "blobs", "foreign"), new byte[100], Token);
        Assert.Empty(await store.Blobs.ListAsync("", Token).ToListAsync(Token));
    }

    [Fact]
    public async Task ABlobThatIsTakenAwayWhileItIsWrittenIsNotWritten()
    {
        // Disposed only where the write has come to an end, since disposing waits for it.
        var store = SqliteStore.Open(new() { Path = _folder.Path });
        var incoming = Path.Combine(_folder.Path, "incoming");
        await using var content = new EndingStream(() => Array.ForEach(Directory.GetFiles(incoming), File.Delete));
        var failed = await Assert.ThrowsAsync<StoreException>(() => store.Blobs.WriteAsync("b", content, Token).WaitAsync(TimeSpan.FromMinutes(1), Token));
        Assert.Equal(StoreFailure.Unavailable, failed.Failure);
        Assert.Null(await store.Blobs.ReadAsync("b", 0, null, Token));
        await store.DisposeAsync();
    }

    [Fact]
    public async Task WhereHostsShareTheFolderOnlyWhatIsOlderThanADayIsRemoved()
    {
        SqliteStore.Open(new() { Path = _folder.Path }).Dispose();
        var (young, old) = (Path.Combine(_folder.Path, "incoming", "young"), Path.Combine(_folder.Path, "incoming", "old"));
        await File.WriteAllBytesAsync(young, [1], Token);
        await File.WriteAllBytesAsync(old, [1], Token);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-25));
        await using var store = SqliteStore.Open(new() { Path = _folder.Path, Shared = true });
        Assert.Equal((true, false), (File.Exists(young), File.Exists(old)));
    }

    [Fact]
    public async Task DeletingTheLastBlobOfADirectoryRemovesItAndWritersBesideItAreNotDisturbed()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 25; i++)
            {
                var name = $"tenant/day/{writer}-{i}";
                await store.Blobs.WriteAsync(name, new MemoryStream([1]), Token);
                Assert.True(await store.Blobs.DeleteAsync(name, Token));
            }
        })));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_folder.Path, "blobs")));
    }

    [Fact]
    public async Task ABlobThatIsDeletedWhileItIsReadIsReadToItsEnd()
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        await store.Blobs.WriteAsync("b", new MemoryStream(new byte[500_000]), Token);
        await using var stream = (await store.Blobs.ReadAsync("b", 0, null, Token))!;
        await stream.ReadExactlyAsync(new byte[100], Token);
        await store.Blobs.DeleteAsync("b", Token);
        await stream.ReadExactlyAsync(new byte[499_900], Token);
        Assert.Equal(0, await stream.ReadAsync(new byte[1], Token));
    }

    /// <summary>Empty; does something when its end is read.</summary>
    private sealed class EndingStream(Action atEnd) : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            atEnd();
            return base.ReadAsync(buffer, cancellationToken);
        }
    }
}
