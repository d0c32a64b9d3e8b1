using System.Buffers;
using System.IO.Pipelines;

namespace MailGrains.Protocols.Tls;

/// <summary>
/// A transport's two pipes as the stream that TLS runs over. A write that was begun is never given up half-way, whatever token it comes with: a
/// record that the peer has seen a part of would end the connection. It ends when <paramref name="isLate"/> says so, or with the transport.
/// </summary>
internal sealed class PipeStream(IDuplexPipe transport, Func<bool> isLate) : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>With an empty buffer it waits until there is something, as readers do that hold no memory while they wait.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var result = await transport.Input.ReadAsync(cancellationToken);
            var sequence = result.Buffer;
            var count = (int)Math.Min(sequence.Length, buffer.Length);
            sequence.Slice(0, count).CopyTo(buffer.Span);
            transport.Input.AdvanceTo(sequence.GetPosition(count));
            if (count > 0 || result.IsCompleted || (buffer.IsEmpty && !sequence.IsEmpty))
            {
                return count;
            }
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var result = await transport.Output.WriteAsync(buffer, CancellationToken.None);
        while (result.IsCanceled && !isLate())
        {
            result = await transport.Output.FlushAsync(CancellationToken.None);
        }

        if (result.IsCanceled || result.IsCompleted)
        {
            throw new IOException(result.IsCanceled ? "The peer reads too slowly." : "The peer has closed the connection.");
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
