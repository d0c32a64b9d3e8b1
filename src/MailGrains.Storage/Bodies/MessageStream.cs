namespace MailGrains.Storage.Bodies;

/// <summary>
/// A window of a message's bytes: some of the prefix, then some of the content. <see cref="Length"/> counts the window's octets exactly, before
/// anything is read. Forward only; disposing it closes the blob.
/// </summary>
public sealed class MessageStream : Stream
{
    private readonly ReadOnlyMemory<byte> _prefix;
    private readonly ReadOnlyMemory<byte> _inline;
    private readonly Stream? _blob;
    private long _position;

    internal MessageStream(ReadOnlyMemory<byte> prefix, ReadOnlyMemory<byte> inline)
    {
        _prefix = prefix;
        _inline = inline;
        Length = prefix.Length + inline.Length;
    }

    /// <param name="blob">Yields <paramref name="blobLength"/> octets; null when that is 0.</param>
    internal MessageStream(ReadOnlyMemory<byte> prefix, Stream? blob, long blobLength)
    {
        _prefix = prefix;
        _blob = blob;
        Length = prefix.Length + blobLength;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    /// <summary>Octets of the window.</summary>
    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>The window in memory, in two pieces, when the message is inline: no copy is needed to send it.</summary>
    public bool TryGetMemory(out ReadOnlyMemory<byte> prefix, out ReadOnlyMemory<byte> content)
    {
        prefix = _prefix;
        content = _inline;
        return _prefix.Length + _inline.Length == Length;
    }

    public override int Read(Span<byte> buffer)
    {
        if (InMemory(buffer.Length) is { Length: > 0 } piece)
        {
            piece.Span.CopyTo(buffer);
            return piece.Length;
        }

        return Advance(_blob is null || buffer.Length == 0 ? 0 : _blob.Read(Bounded(buffer)), buffer.Length);
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (InMemory(buffer.Length) is { Length: > 0 } piece)
        {
            piece.CopyTo(buffer);
            return piece.Length;
        }

        var wanted = buffer[..(int)Math.Min(buffer.Length, Length - _position)];
        return Advance(_blob is null || wanted.Length == 0 ? 0 : await _blob.ReadAsync(wanted, cancellationToken).ConfigureAwait(false), buffer.Length);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _blob?.Dispose();
        }

        base.Dispose(disposing);
    }

    public override async ValueTask DisposeAsync()
    {
        if (_blob is not null)
        {
            await _blob.DisposeAsync().ConfigureAwait(false);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    private ReadOnlyMemory<byte> InMemory(int most)
    {
        var rest = _position < _prefix.Length
            ? _prefix[(int)_position..]
            : _position - _prefix.Length < _inline.Length ? _inline[(int)(_position - _prefix.Length)..] : default;
        var piece = rest[..Math.Min(most, rest.Length)];
        _position += piece.Length;
        return piece;
    }

    private Span<byte> Bounded(Span<byte> buffer) => buffer[..(int)Math.Min(buffer.Length, Length - _position)];

    /// <summary>A blob that ends early is an error: the reader has promised its peer the octets.</summary>
    private int Advance(int read, int wanted)
    {
        if (read == 0 && wanted > 0 && _position < Length)
        {
            throw new StoreException(StoreFailure.Unreadable, "A body's blob is shorter than its record says.");
        }

        _position += read;
        return read;
    }
}
