using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Wire;

/// <summary>
/// A session's two ends of its transport. What is written gathers in the pipe and goes out in one piece when the input is exhausted, so
/// answers to pipelined commands share a packet (RFC 2920 §3.2), or when <see cref="FlushThresholdBytes"/> wait. Nothing here throws for what a peer
/// or a network does: a wait says <see cref="InputStatus.Ended"/> or <see cref="InputStatus.TimedOut"/>. While the session waits with no input held,
/// no buffer is rented. Used by one thread at a time, the timer's and the shutdown's wake-ups excepted.
/// </summary>
internal sealed class WireChannel : IBufferWriter<byte>, IAsyncDisposable
{
    /// <summary>Answers beyond this are pushed out although more commands wait.</summary>
    public const int FlushThresholdBytes = 8 << 10;

    private readonly IDuplexPipe _clear;
    private readonly Deadline _deadline;
    private readonly TimeSpan _writeTimeout;
    private readonly TimeProvider _timeProvider;
    private readonly CancellationToken _shutdown;
    private readonly CancellationTokenRegistration _shutdownRegistration;
    private PipeReader _reader;
    private PipeWriter _writer;
    private TlsTransport? _tls;
    private bool _holdsInput;
    private int _unflushedBytes;
    private InputStatus? _outputEnd;

    public WireChannel(IDuplexPipe transport, int maxLineBytes, TimeSpan writeTimeout, TimeProvider timeProvider, CancellationToken shutdown)
    {
        _clear = transport;
        _reader = transport.Input;
        _writer = transport.Output;
        _writeTimeout = writeTimeout;
        _timeProvider = timeProvider;
        _shutdown = shutdown;
        Lines = new LineBuffer(maxLineBytes);
        _deadline = new Deadline(timeProvider, OnDeadline);
        _shutdownRegistration = shutdown.UnsafeRegister(static state => ((WireChannel)state!)._reader.CancelPendingRead(), this);
    }

    public LineBuffer Lines { get; }

    /// <summary>As of <see cref="Now"/>: no wait, for the peer to send or to read, goes on beyond it.</summary>
    public TimeSpan Limit { get; set; } = TimeSpan.MaxValue;

    public bool IsShuttingDown => _shutdown.IsCancellationRequested;

    /// <summary>The time since the session began.</summary>
    public TimeSpan Now => _deadline.Now;

    /// <summary>Why output ended, once a flush has said so.</summary>
    public SessionEnd? OutputEnd => _outputEnd is null ? null : EndOf(_outputEnd.Value);

    public static SessionEnd EndOf(InputStatus status) => status == InputStatus.TimedOut ? SessionEnd.TimedOut : SessionEnd.ConnectionLost;

    /// <summary>Flushes, then waits for octets beyond those that <see cref="Lines"/> holds.</summary>
    /// <param name="due">As of <see cref="Now"/>.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<InputStatus> WaitAsync(TimeSpan due)
    {
        if (_unflushedBytes > 0 && !await FlushAsync())
        {
            return _outputEnd!.Value;
        }

        var held = Lines.Unread.Length;
        ReleaseInput();
        SetDeadline(due);
        ReadResult result;
        try
        {
            result = await _reader.ReadAsync(CancellationToken.None);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Under TLS a write that was ended in time ends the reads too.
            return _deadline.IsPast ? InputStatus.TimedOut : InputStatus.Ended;
        }

        _holdsInput = true;
        Lines.Accept(result.Buffer);
        return result switch
        {
            { IsCanceled: true } => _deadline.IsPast ? InputStatus.TimedOut : InputStatus.Woken,
            { IsCompleted: true } when result.Buffer.Length == held => InputStatus.Ended,
            _ => InputStatus.Arrived,
        };
    }

    /// <summary>Is there anything, without waiting for it? Null: neither octets nor an end.</summary>
    public async ValueTask<InputStatus?> PollAsync()
    {
        if (!Lines.Unread.IsEmpty)
        {
            return InputStatus.Arrived;
        }

        ReleaseInput();
        try
        {
            if (!_reader.TryRead(out var result))
            {
                // Under TLS there may be a record that nobody has opened yet, or one that holds nothing for us.
                if (_tls is null || !IsClearInputWaiting())
                {
                    return null;
                }

                var pending = _reader.ReadAsync(CancellationToken.None);
                if (!pending.IsCompleted)
                {
                    _reader.CancelPendingRead();
                }

                result = await pending;
            }

            _holdsInput = true;
            Lines.Accept(result.Buffer);
            return !result.Buffer.IsEmpty ? InputStatus.Arrived : result.IsCompleted ? InputStatus.Ended : null;
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            return InputStatus.Ended;
        }
    }

    /// <summary>Lets time pass, whatever the peer does; shutdown ends it early.</summary>
    public async ValueTask PauseAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, _timeProvider, _shutdown);
        }
        catch (OperationCanceledException)
        {
            // Shutdown does not wait.
        }
    }

    public void Advance(int count)
    {
        _writer.Advance(count);
        _unflushedBytes += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => _writer.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => _writer.GetSpan(sizeHint);

    public void Write(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        this.Write(digits[..length]);
    }

    /// <summary>Flushes when much waits; false when the output has ended.</summary>
    public ValueTask<bool> FlushWhenFullAsync() => _unflushedBytes < FlushThresholdBytes ? new(_outputEnd is null) : FlushAsync();

    /// <summary>Pushes out what was written and waits while the peer reads too slowly; false when the output has ended.</summary>
    public ValueTask<bool> FlushAsync()
    {
        if (_unflushedBytes == 0 || _outputEnd is not null)
        {
            return new(_outputEnd is null);
        }

        if (_tls is not null)
        {
            // Its writes ask whether they are late, and the deadline that is set may be one that has passed.
            SetDeadline(Now + _writeTimeout);
        }

        _unflushedBytes = 0;
        var flush = _writer.FlushAsync(CancellationToken.None);
        if (!flush.IsCompletedSuccessfully)
        {
            return FinishFlushAsync(flush);
        }

        var result = flush.Result;
        return result is { IsCanceled: false, IsCompleted: false } ? new(true) : FinishFlushAsync(new(result));
    }

    /// <summary>
    /// The server's side of a TLS handshake. What has arrived in clear is forgotten first, be it a whole pipelined session: nothing that came before
    /// the handshake is answered after it (RFC 3207 §6). Without facts there is no TLS, the text says why, and the connection is of no more use.
    /// </summary>
    public async ValueTask<(TlsFacts? Facts, string? Failure)> StartTlsAsync(TlsCertificates certificates, TimeSpan timeout)
    {
        var failure = await HandshakeAsync(limit => TlsTransport.AcceptAsync(_clear, certificates, () => _deadline.IsPast, limit), timeout);
        return failure is null ? (_tls!.Facts, null) : (null, failure.Text);
    }

    /// <summary>The client's side; what has arrived in clear is forgotten likewise.</summary>
    public async ValueTask<(TlsFacts? Facts, TlsFailure? Failure)> StartTlsAsync(TlsClientPolicy policy, TimeSpan timeout)
    {
        var failure = await HandshakeAsync(limit => TlsTransport.ConnectAsync(_clear, policy, () => _deadline.IsPast, limit), timeout);
        return (failure is null ? _tls!.Facts : null, failure);
    }

    /// <summary>Pushes out what is left; under TLS the peer hears that this is the end.</summary>
    public async ValueTask CloseAsync()
    {
        if (await FlushAsync() && _tls is not null)
        {
            SetDeadline(Now + _writeTimeout);
            await _tls.CloseAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _shutdownRegistration.DisposeAsync();
        _deadline.Dispose();
        ReleaseInput();
        if (_tls is not null)
        {
            await _tls.DisposeAsync();
        }
    }

    private async ValueTask<TlsFailure?> HandshakeAsync(Func<CancellationToken, Task<TlsTransport>> shake, TimeSpan timeout)
    {
        Lines.Consume(Lines.Unread.Length);
        ReleaseInput();
        if (!await FlushAsync())
        {
            return new(TlsFailureKind.Handshake, "the connection was lost");
        }

        using var limit = new CancellationTokenSource(timeout, _timeProvider);
        _deadline.Set(Now + timeout);
        try
        {
            _tls = await shake(limit.Token);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            _outputEnd = InputStatus.Ended;
            return failure switch
            {
                TlsRefusedException refused => refused.Reason,
                OperationCanceledException => new(TlsFailureKind.TimedOut, "the handshake took too long"),
                _ => new(TlsFailureKind.Handshake, (failure.InnerException ?? failure).Message),
            };
        }

        _reader = _tls.Input;
        _writer = _tls.Output;
        return null;
    }

    // A write of TLS waits on the clear transport, and is ended there.
    private void OnDeadline()
    {
        _reader.CancelPendingRead();
        (_tls is null ? _writer : _clear.Output).CancelPendingFlush();
    }

    private async ValueTask<bool> FinishFlushAsync(ValueTask<FlushResult> flush)
    {
        if (_tls is null)
        {
            // Under TLS it was set before the write began: another one would hide that the write was given up.
            SetDeadline(Now + _writeTimeout);
        }

        try
        {
            var result = await flush;
            while (result.IsCanceled && !_deadline.IsPast)
            {
                result = await _writer.FlushAsync(CancellationToken.None);
            }

            _outputEnd = result switch
            {
                { IsCompleted: true } => InputStatus.Ended,
                { IsCanceled: true } => InputStatus.TimedOut,
                _ => null,
            };
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // Under TLS a write that is given up ends so.
            _outputEnd = _deadline.IsPast ? InputStatus.TimedOut : InputStatus.Ended;
        }

        return _outputEnd is null;
    }

    private void SetDeadline(TimeSpan due) => _deadline.Set(due < Limit ? due : Limit);

    private bool IsClearInputWaiting()
    {
        if (!_clear.Input.TryRead(out var result))
        {
            return false;
        }

        // Seen, not examined: it is there for whoever reads next.
        _clear.Input.AdvanceTo(result.Buffer.Start);
        return !result.Buffer.IsEmpty || result.IsCompleted;
    }

    private void ReleaseInput()
    {
        if (!_holdsInput)
        {
            return;
        }

        // Examined to the end: the next read waits for more than there is.
        var unread = Lines.Unread;
        _reader.AdvanceTo(unread.Start, unread.End);
        Lines.Release();
        _holdsInput = false;
    }
}
