using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// Reads a socket where and when its reader asks: no task that pumps, no second copy. One read at a time; only <see cref="CancelPendingRead"/> may come from
/// elsewhere. What a network does (an error as well) is the end of the input.
/// </summary>
internal sealed class SocketReader(Socket socket) : PipeReader, IDisposable
{
    private const int FirstBytes = 4 << 10;

    /// <summary>No reader of ours leaves so much unread.</summary>
    private const int MaxBytes = 256 << 10;

    private readonly Lock _gate = new();
    private CancellationTokenSource _wake = new();
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private bool _isExamined = true;
    private bool _isCanceled;
    private bool _isEnded;
    private bool _isDisposed;

    private bool IsReady => (_end > _start && !_isExamined) || _isEnded;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (TakeCanceled())
        {
            return new(Result(isCanceled: true));
        }

        return IsReady ? new(Result(isCanceled: false)) : ReceiveAsync(cancellationToken);
    }

    public override bool TryRead(out ReadResult result)
    {
        if (TakeCanceled())
        {
            result = Result(isCanceled: true);
            return true;
        }

        if (!IsReady)
        {
            ReceiveWaiting();
        }

        result = IsReady ? Result(isCanceled: false) : default;
        return IsReady;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_buffer is null)
        {
            return;
        }

        _start = consumed.GetInteger();
        _isExamined = examined.GetInteger() == _end;
        if (_start == _end)
        {
            (_start, _end, _isExamined) = (0, 0, true);
        }
    }

    public override void CancelPendingRead()
    {
        lock (_gate)
        {
            if (!_isDisposed)
            {
                _isCanceled = true;
                _wake.Cancel();
            }
        }
    }

    public override void Complete(Exception? exception = null)
    {
        _isEnded = true;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            (_start, _end) = (0, 0);
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A timer's call may still come.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _wake.Dispose();
        }

        Complete();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> ReceiveAsync(CancellationToken cancellationToken)
    {
        // A caller's token ends the wait, too; it is rarely more than none.
        using var registration = cancellationToken.UnsafeRegister(static reader => ((SocketReader)reader!).CancelPendingRead(), this);
        try
        {
            if (await socket.ReceiveAsync(Room(), SocketFlags.None, _wake.Token) is var count && count == 0)
            {
                _isEnded = true;
            }

            (_end, _isExamined) = (_end + count, false);
        }
        catch (OperationCanceledException)
        {
            // What has come meanwhile is there for the next read.
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _isEnded = true;
        }

        var isCanceled = TakeCanceled();
        cancellationToken.ThrowIfCancellationRequested();
        return Result(isCanceled);
    }

    /// <summary>What the system has already.</summary>
    private void ReceiveWaiting()
    {
        try
        {
            if (socket.Poll(0, SelectMode.SelectRead))
            {
                var count = socket.Receive(Room().Span);
                (_end, _isExamined, _isEnded) = (_end + count, false, count == 0);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _isEnded = true;
        }
    }

    private Memory<byte> Room()
    {
        var buffer = _buffer ??= ArrayPool<byte>.Shared.Rent(FirstBytes);
        if (_end == buffer.Length)
        {
            if (_start == 0 && buffer.Length >= MaxBytes)
            {
                throw new SocketException((int)SocketError.NoBufferSpaceAvailable);
            }

            var other = _start > 0 ? buffer : ArrayPool<byte>.Shared.Rent(2 * buffer.Length);
            buffer.AsSpan(_start, _end - _start).CopyTo(other);
            (_buffer, _start, _end) = (other, 0, _end - _start);
            if (other != buffer)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        return _buffer.AsMemory(_end);
    }

    private bool TakeCanceled()
    {
        if (!Volatile.Read(ref _isCanceled))
        {
            return false;
        }

        lock (_gate)
        {
            _isCanceled = false;
            if (!_isDisposed)
            {
                _wake.Dispose();
                _wake = new CancellationTokenSource();
            }

            return true;
        }
    }

    private ReadResult Result(bool isCanceled) =>
        new(_buffer is null ? default : new ReadOnlySequence<byte>(_buffer, _start, _end - _start), isCanceled, _isEnded);
}
