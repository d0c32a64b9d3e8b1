using System.Buffers;

namespace MailGrains.Storage.Azure;

/// <summary>
/// The bytes of one block on their way from a stream to the service, which must be able to read them twice. It grows to what there is,
/// so that a body of 40 KiB does not hold 4 MiB while its sender dawdles.
/// </summary>
internal sealed class Block(long expected) : IDisposable
{
    private const int SmallestBytes = 4 * 1024;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(expected, SmallestBytes, AzureBlobStore.BlockBytes));

    public int Count { get; private set; }

    /// <summary>Takes the next bytes, as many as fit a block; fewer only at the stream's end.</summary>
    public async Task FillAsync(Stream content, CancellationToken cancellationToken)
    {
        Count = 0;
        while (Count < AzureBlobStore.BlockBytes)
        {
            if (Count == _buffer.Length)
            {
                Grow();
            }

            var room = _buffer.AsMemory(Count, Math.Min(_buffer.Length, AzureBlobStore.BlockBytes) - Count);
            var read = await content.ReadAsync(room, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }

            Count += read;
        }
    }

    public Stream Open() => new MemoryStream(_buffer, 0, Count, writable: false);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    private void Grow()
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Min(2 * _buffer.Length, AzureBlobStore.BlockBytes));
        _buffer.AsSpan(0, Count).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
