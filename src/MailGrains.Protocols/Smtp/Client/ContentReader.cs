namespace MailGrains.Protocols.Smtp.Client;

/// <summary>
/// Reads a mail's content in pieces and looks at them before anybody else: what has a bare CR or LF, or a NUL where it is text, is at fault
/// (RFC 5321 §2.3.8), and so is content that is shorter or longer than was said.
/// </summary>
internal sealed class ContentReader(OutgoingContent content, bool isBinary) : IAsyncDisposable
{
    private readonly ContentDecoder _checker = new(int.MaxValue, int.MaxValue, ContentForm.Chunked | (isBinary ? ContentForm.Binary : 0));
    private Stream? _body;
    private long _read;

    public bool IsAtEnd => _read == content.Length;

    public SmtpContentFailure? Fault { get; private set; }

    /// <summary>Fills the buffer, or reads to the end.</summary>
    /// <exception cref="IOException">The content does not have the length that it should; other exceptions are the stream's.</exception>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var length = 0;
        while (length < buffer.Length && !IsAtEnd)
        {
            var count = _read < content.Head.Length ? CopyHead(buffer[length..]) : await ReadBodyAsync(buffer[length..], cancellationToken);
            _read += count;
            length += count;
        }

        _checker.Decode(buffer.Span[..length], out _, out _);
        Fault = IsAtEnd ? _checker.Finish() : _checker.Failure;
        if (IsAtEnd)
        {
            await CheckEndAsync(cancellationToken);
        }

        return length;
    }

    /// <summary>Whatever that leads to, the mail has gone out or not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await (_body?.DisposeAsync() ?? default);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // It was read only.
        }
    }

    private int CopyHead(Memory<byte> buffer)
    {
        var rest = content.Head[(int)_read..];
        var count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer);
        return count;
    }

    private async ValueTask<int> ReadBodyAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _body ??= content.OpenBody is null ? Stream.Null : await content.OpenBody(cancellationToken);
        var left = content.Length - _read;
        var count = await _body.ReadAsync(left < buffer.Length ? buffer[..(int)left] : buffer, cancellationToken);
        return count > 0 ? count : throw new IOException($"The content ends {left} octets too early.");
    }

    private async ValueTask CheckEndAsync(CancellationToken cancellationToken)
    {
        if (_body is not null && await _body.ReadAsync(new byte[1], cancellationToken) > 0)
        {
            throw new IOException("The content is longer than it should be.");
        }
    }
}
