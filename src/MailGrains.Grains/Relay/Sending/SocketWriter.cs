using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// Gathers what is written and gives it to a socket at each flush. A flush that is canceled goes on in the background: what the peer has seen a part
/// of is neither lost nor sent twice, and the next flush waits for it. What a network does is the end of the output.
/// </summary>
internal sealed class SocketWriter(Socket socket) : PipeWriter
{
    private const int FirstBytes = 8 << 10;
    private static readonly FlushResult Taken = new(isCanceled: false, isCompleted: false);
    private static readonly FlushResult Ended = new(isCanceled: false, isCompleted: true);

    private readonly Lock _gate = new();
    private byte[]? _buffer;
    private int _length;
    private Task? _sending;
    private TaskCompletionSource? _canceled;
    private bool _isCanceled;
    private bool _isEnded;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        var wanted = Math.Max(sizeHint, 1);
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(FirstBytes, wanted));
        }
        else if (_buffer.Length - _length < wanted)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(2 * _buffer.Length, _length + wanted));
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes) => _length += bytes;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_isEnded)
        {
            return new(Ended);
        }

        if (_sending is { } sending)
        {
            return WaitAsync(sending);
        }

        if (_length == 0)
        {
            return new(Taken);
        }

        sending = SendAsync();
        if (!sending.IsCompleted)
        {
            _sending = sending;
            return WaitAsync(sending);
        }

        return new(_isEnded ? Ended : Taken);
    }

    public override void CancelPendingFlush()
    {
        lock (_gate)
        {
            _isCanceled = true;
            _canceled?.TrySetResult();
        }
    }

    /// <summary>What was not flushed is not sent.</summary>
    public override void Complete(Exception? exception = null)
    {
        _isEnded = true;
        if (_sending is null && _buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<FlushResult> WaitAsync(Task sending)
    {
        TaskCompletionSource canceled;
        lock (_gate)
        {
            if (_isCanceled)
            {
                _isCanceled = false;
                return new FlushResult(isCanceled: true, isCompleted: false);
            }

            canceled = _canceled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        await Task.WhenAny(sending, canceled.Task);
        lock (_gate)
        {
            _canceled = null;
            if (!sending.IsCompleted)
            {
                _isCanceled = false;
                return new FlushResult(isCanceled: true, isCompleted: false);
            }
        }

        _sending = null;
        return _isEnded ? Ended : await FlushAsync();
    }

    /// <summary>Sends all that is there; never throws.</summary>
    private async Task SendAsync()
    {
        var (buffer, length) = (_buffer!, _length);
        (_buffer, _length) = (null, 0);
        try
        {
            for (var sent = 0; sent < length;)
            {
                sent += await socket.SendAsync(buffer.AsMemory(sent, length - sent), SocketFlags.None, CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _isEnded = true;
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }
}
