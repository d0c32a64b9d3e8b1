using MailGrains.Storage;
using MailGrains.Storage.Blobs;
using Xunit;

namespace MailGrains.Testing.Stores;

/// <summary>
/// What every <see cref="IBlobStore"/> does. Bind it by deriving a class that gives the store; each test keeps to names of its own, so
/// one store may serve all of them at once.
/// </summary>
public abstract class BlobStoreContract
{
    private const int Mebibyte = 1024 * 1024;

    protected abstract IBlobStore Store { get; }

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the names of this test's blobs start with.</summary>
    protected string Prefix { get; } = "contract-" + Guid.NewGuid().ToString("N") + "/";

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData((4 * Mebibyte) - 1)]
    [InlineData(4 * Mebibyte)]
    [InlineData((4 * Mebibyte) + 1)]
    [InlineData(9 * Mebibyte)]
    public async Task ABlobComesBackByteForByte(int length)
    {
        var bytes = RandomBytes(length);
        Assert.Equal(length, await Store.WriteAsync(Prefix + "blob", new Trickle(bytes), Token));
        var read = await ReadAsync("blob");
        Assert.True(bytes.AsSpan().SequenceEqual(read));
        Assert.Equal(length, (await Store.ListAsync(Prefix, Token).SingleAsync(Token)).Length);
    }

    [Fact]
    public async Task ARangeOfABlobIsWhatWasAskedFor()
    {
        var bytes = RandomBytes((4 * Mebibyte) + 1000);
        await WriteAsync("blob", bytes);
        foreach (var (offset, length) in new (int, int?)[]
        {
            (0, 0), (0, 1), (0, null), (1, null), (5, 10), ((4 * Mebibyte) - 5, 10), (bytes.Length - 1, 1), (bytes.Length - 1, null),
            (bytes.Length - 10, 100), (bytes.Length, null), (bytes.Length, 5), (bytes.Length + 7, null),
        })
        {
            var expected = bytes.Skip(offset).Take(length ?? int.MaxValue).ToArray();
            Assert.Equal(expected, await ReadAsync("blob", offset, length));
        }
    }

    [Fact]
    public async Task AnAbsentBlobReadsAsNullAndIsNotDeleted()
    {
        Assert.Null(await Store.ReadAsync(Prefix + "absent", 0, null, Token));
        Assert.False(await Store.DeleteAsync(Prefix + "absent", Token));
        await WriteAsync("there", [1]);
        Assert.Null(await Store.ReadAsync(Prefix + "there/inside", 0, null, Token));
        Assert.Null(await Store.ReadAsync(Prefix + "ther", 0, null, Token));
    }

    [Fact]
    public async Task ADeletedBlobIsGoneAndItsNameIsFree()
    {
        await WriteAsync("a/blob", [1, 2, 3]);
        await WriteAsync("a/other", [4]);
        Assert.True(await Store.DeleteAsync(Prefix + "a/blob", Token));
        Assert.False(await Store.DeleteAsync(Prefix + "a/blob", Token));
        Assert.Null(await Store.ReadAsync(Prefix + "a/blob", 0, null, Token));
        Assert.Equal(["a/other"], await ListAsync(""));
        await WriteAsync("a/blob", [5]);
        Assert.Equal([5], await ReadAsync("a/blob"));
    }

    [Fact]
    public async Task ABlobIsNeverOverwritten()
    {
        await WriteAsync("blob", [1, 2, 3]);
        var failure = await Assert.ThrowsAsync<StoreException>(() => WriteAsync("blob", [4, 5, 6, 7]));
        Assert.Equal(StoreFailure.Refused, failure.Failure);
        Assert.Equal([1, 2, 3], await ReadAsync("blob"));
    }

    [Fact]
    public async Task OfParallelWritersOfOneNameExactlyOneWins()
    {
        var written = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            try
            {
                await WriteAsync("blob", [(byte)i]);
                return i;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Refused)
            {
                return -1;
            }
        })));
        var winner = Assert.Single(written, w => w >= 0);
        Assert.Equal([(byte)winner], await ReadAsync("blob"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData((4 * Mebibyte) + 100)]
    public async Task ContentThatFailsLeavesNoBlob(int after)
    {
        var content = new Trickle(RandomBytes(5 * Mebibyte), after, () => throw new InvalidOperationException("broken content"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => Store.WriteAsync(Prefix + "blob", content, Token));
        await AssertNothingOfAsync("blob");
    }

    [Fact]
    public async Task AWriteCancelledOnItsWayLeavesNoBlob()
    {
        using var cancelled = new CancellationTokenSource();
        var content = new Trickle(RandomBytes(5 * Mebibyte), (4 * Mebibyte) + 100, cancelled.Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Store.WriteAsync(Prefix + "blob", content, cancelled.Token));
        await AssertNothingOfAsync("blob");
    }

    [Fact]
    public async Task BlobsAreListedInOrdinalOrderByPrefix()
    {
        string[] names =
        [
            "a", "a-b", "a.b", "a/b", "a/b/c", "a/b-c", "a0", "A", "Z/1", "b/2026-10-01/x", "b/2026-10-01/y", "b/2026-10-02/x", "b/2026-10-1",
            "b=2F", "b:1", "b 1", "b,1", "b+1", "b@1", "c/" + new string('n', 300) + "/d", "c/" + new string('n', 300), "c/" + new string('n', 301),
        ];
        foreach (var name in names)
        {
            await WriteAsync(name, [1]);
        }

        string[] prefixes =
        [
            "", "a", "a/", "a/b", "a/b/", "a-", "b/2026", "b/2026-10-01", "b/2026-10-01/", "b/2026-10-01/x", "b:", "c/" + new string('n', 250),
            "c/" + new string('n', 300) + "/", "none", "a/b/c/d", "b/2026-10-01/xx",
        ];
        foreach (var prefix in prefixes)
        {
            Assert.Equal(names.Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal), await ListAsync(prefix));
        }
    }

    [Fact]
    public async Task AListedBlobHasItsLengthAndTheTimeItWasMade()
    {
        var before = DateTimeOffset.UtcNow.AddMinutes(-1);
        await WriteAsync("blob", new byte[12_345]);
        var item = await Store.ListAsync(Prefix, Token).SingleAsync(Token);
        Assert.Equal((Prefix + "blob", 12_345), (item.Name, item.Length));
        Assert.InRange(item.Created, before, DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData("a/./b")]
    [InlineData("a./b")]
    [InlineData("a.")]
    [InlineData("a\\b")]
    [InlineData("a\0b")]
    [InlineData("a%b")]
    [InlineData("é")]
    [InlineData("a\nb")]
    public async Task ANameOutsideItsAlphabetIsRefused(string name)
    {
        await RefusesAsync(() => Store.WriteAsync(name, new MemoryStream([1]), Token));
        await RefusesAsync(() => Store.ReadAsync(name, 0, null, Token));
        await RefusesAsync(() => Store.DeleteAsync(name, Token));
        if (BlobName.PrefixViolation(name) is not null)
        {
            await RefusesAsync(() => Store.ListAsync(name, Token).CountAsync(Token).AsTask());
        }
    }

    [Fact]
    public async Task ANameHasAThousandAndTwentyFourCharacters()
    {
        var name = (Prefix + new string('n', 500) + "/").PadRight(BlobName.MaxChars, 'm');
        await Store.WriteAsync(name, new MemoryStream([7]), Token);
        Assert.Equal(name, (await Store.ListAsync(Prefix, Token).SingleAsync(Token)).Name);
        Assert.True(await Store.DeleteAsync(name, Token));
        await RefusesAsync(() => Store.WriteAsync(name + "m", new MemoryStream([7]), Token));
    }

    private static async Task RefusesAsync(Func<Task> call) =>
        Assert.Equal(StoreFailure.Refused, (await Assert.ThrowsAsync<StoreException>(call)).Failure);

    private static byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        return bytes;
    }

    private Task<long> WriteAsync(string name, byte[] bytes) => Store.WriteAsync(Prefix + name, new MemoryStream(bytes), Token);

    private async Task<byte[]> ReadAsync(string name, long offset = 0, long? length = null)
    {
        await using var stream = await Store.ReadAsync(Prefix + name, offset, length, Token);
        Assert.NotNull(stream);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, Token);
        return copy.ToArray();
    }

    private async Task<string[]> ListAsync(string prefix) =>
        await Store.ListAsync(Prefix + prefix, Token).Select(b => b.Name[Prefix.Length..]).ToArrayAsync(Token);

    private async Task AssertNothingOfAsync(string name)
    {
        Assert.Null(await Store.ReadAsync(Prefix + name, 0, null, Token));
        Assert.Empty(await ListAsync(""));
        await WriteAsync(name, [1, 2]);
        Assert.Equal([1, 2], await ReadAsync(name));
    }

    /// <summary>Content that comes in short reads, can't be seeked, and at one point does something unpleasant.</summary>
    private sealed class Trickle(byte[] bytes, int trapAt = int.MaxValue, Action? trap = null) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            return Read(buffer.Span);
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (_position >= trapAt)
            {
                trap?.Invoke();
            }

            var count = Math.Min(Math.Min(buffer.Length, 50_001), bytes.Length - _position);
            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
