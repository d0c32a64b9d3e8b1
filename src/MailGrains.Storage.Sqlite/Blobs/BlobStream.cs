using Microsoft.Win32.SafeHandles;

namespace MailGrains.Storage.Sqlite.Blobs;

/// <summary>
/// Reads a range of a blob's file. A blob never changes, so reads need no lock; they come from the page cache as a rule and run on the
/// caller's thread. A blob that is deleted meanwhile is read to its end (on Windows too: the share allows the delete).
/// </summary>
internal sealed class BlobStream : Stream
{
    private readonly SafeFileHandle _file;
    private readonly long _start;
    private readonly long _end;
    private long _position;

    public BlobStream(SafeFileHandle file, long offset, long length)
    {
        _file = file;
        _start = _position = offset;
        _end = offset + Math.Clamp(RandomAccess.GetLength(file) - offset, 0, length);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => _end - _start;

    public override long Position
    {
        get => _position - _start;
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Min(buffer.Length, _end - _position);
        var read = count <= 0 ? 0 : RandomAccess.Read(_file, buffer[..count], _position);
        _position += read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
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
            _file.Dispose();
        }

        base.Dispose(disposing);
    }
}
