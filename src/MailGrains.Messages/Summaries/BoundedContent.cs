using System.Diagnostics;

namespace MailGrains.Messages.Summaries;

/// <summary>A limit was met while parsing: the message becomes opaque. Never leaves the summary reader.</summary>
internal sealed class SummaryLimitException(string limit) : Exception(limit);

/// <summary>
/// The content on its way into the parser: counts octets, finds the end of the message's header for the case that the parser does not,
/// and stops the parser inside a header block that is too long or when it has had its time.
/// </summary>
internal sealed class BoundedContent(SummaryLimits limits) : Stream
{
    private Stream? _source;
    private ReadOnlyMemory<byte> _memory;
    private long _resumed;
    private TimeSpan _spent;
    private uint _lastBytes;
    private long? _headerBlock;

    /// <summary>Octets that were read so far; all of them once the content has ended.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Where the first empty line ends, or null: not seen yet.</summary>
    public long? FirstEmptyLineEnd { get; private set; }

    /// <summary>Line breaks that were read so far.</summary>
    public long LineBreaks { get; private set; }

    /// <summary>What the source threw: not the content's fault.</summary>
    public Exception? SourceFailure { get; private set; }

    /// <summary>Where the header block begins that is being parsed; null outside of one.</summary>
    public long? HeaderBlock
    {
        set
        {
            _headerBlock = value;
            CheckTime();
        }
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => BytesRead;
        set => throw new NotSupportedException();
    }

    public void Reset(Stream? source, ReadOnlyMemory<byte> memory)
    {
        _source = source;
        _memory = memory;
        _spent = TimeSpan.Zero;
        _resumed = Stopwatch.GetTimestamp();
        _lastBytes = 0x0D0A; // what comes before the first line is a line break
        _headerBlock = null;
        BytesRead = 0;
        LineBreaks = 0;
        FirstEmptyLineEnd = null;
        SourceFailure = null;
    }

    public override int Read(Span<byte> buffer)
    {
        if (_source is not null)
        {
            throw new NotSupportedException("A stream is read asynchronously.");
        }

        BeforeRead();
        var count = Math.Min(buffer.Length, _memory.Length);
        _memory.Span[..count].CopyTo(buffer);
        _memory = _memory[count..];
        AfterRead(buffer[..count]);
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_source is null)
        {
            return Read(buffer.Span);
        }

        BeforeRead();
        int count;
        try
        {
            // The parser gets whole buffers, as from memory: what it makes of broken content depends on how much it sees at a time, and must not
            // depend on how the content happened to arrive.
            count = await _source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            SourceFailure = e;
            throw;
        }

        AfterRead(buffer.Span[..count]);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public void CheckTime()
    {
        if (_spent + Stopwatch.GetElapsedTime(_resumed) > limits.TimeBudget)
        {
            throw new SummaryLimitException("time");
        }
    }

    /// <summary>Reads what the parser left, so that the content is counted to its end.</summary>
    public async ValueTask DrainAsync(CancellationToken cancellationToken)
    {
        _headerBlock = null;
        var buffer = new byte[16 * 1024];
        int count;
        while (_source is not null && (count = await _source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            AfterRead(buffer.AsSpan(0, count));
        }
    }

    /// <summary>The same for a content in memory.</summary>
    public void DrainMemory()
    {
        AfterRead(_memory.Span);
        _memory = default;
    }

    private void BeforeRead()
    {
        _spent += Stopwatch.GetElapsedTime(_resumed);
        CheckTime();
        // The parser reads ahead, so this is late by a buffer at most; the parser's own events give the exact length of a block that ended.
        if (_headerBlock is { } start && BytesRead - start > limits.MaxHeaderBytes)
        {
            throw new SummaryLimitException("header");
        }
    }

    private void AfterRead(ReadOnlySpan<byte> bytes)
    {
        if (FirstEmptyLineEnd is null)
        {
            FindEmptyLine(bytes);
        }

        BytesRead += bytes.Length;
        LineBreaks += bytes.Count((byte)'\n');
        _resumed = Stopwatch.GetTimestamp();
    }

    /// <summary>An empty line is a line break right after a line break, CRLF or bare LF.</summary>
    private void FindEmptyLine(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var b = bytes[i];
            if (b == '\n' && ((byte)_lastBytes == '\n' || (_lastBytes & 0xFFFF) == 0x0A0D))
            {
                FirstEmptyLineEnd = BytesRead + i + 1;
                return;
            }

            _lastBytes = (_lastBytes << 8) | b;
        }
    }
}
