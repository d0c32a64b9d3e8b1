using System.Text;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>A content of that many octets which is nowhere in memory: a header, lines, and an end of the test's own.</summary>
internal sealed class RepeatedStream(long bytes, string end) : Stream
{
    private static readonly byte[] Header = "From: <ann@example.org>\r\nMessage-ID: <huge@example.org>\r\nSubject: huge\r\n\r\n"u8.ToArray();
    private static readonly byte[] Line = Encoding.ASCII.GetBytes(new string('x', 76) + "\r\n");

    private readonly byte[] _end = Encoding.ASCII.GetBytes(end);
    private long _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => bytes;

    public override long Position
    {
        get => _at;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Min(buffer.Length, bytes - _at);
        for (var i = 0; i < count; i++, _at++)
        {
            var fromEnd = bytes - _at;
            buffer[i] = _at < Header.Length ? Header[_at]
                : fromEnd <= _end.Length ? _end[_end.Length - fromEnd]
                : Line[(_at - Header.Length) % Line.Length];
        }

        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
