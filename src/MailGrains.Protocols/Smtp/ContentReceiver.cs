using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// Moves one message's content from the transport's buffers to the sink. The first fault, of content, size or sink, aborts the sink at once; the
/// rest is swallowed up to the end of data, so that the session stays in step, but never more than <see cref="MaxSwallowedBytes"/>: then the
/// refusal is written and the session ends.
/// </summary>
internal sealed class ContentReceiver(SmtpServerSession session, ISmtpContentSink sink)
{
    private readonly SmtpServerOptions _options = session.Options;
    private ContentDecoder _decoder = new(session.Options.MaxTextLineBytes, session.Options.MaxHeaderBytes);
    private SmtpReply? _refusal;
    private long _contentBytes;
    private long _receivedBytes;
    private TimeSpan _waited;

    private long MaxSwallowedBytes => (2 * _options.MaxMessageBytes) + (1 << 20);

    /// <summary>The reply to the end of data; null when the connection went away before it.</summary>
    public async ValueTask<SmtpReply?> ReceiveAsync()
    {
        while (!_decoder.IsAtEnd)
        {
            await TakeArrivedAsync();
            if (_decoder.IsAtEnd)
            {
                break;
            }

            if (_receivedBytes > MaxSwallowedBytes)
            {
                session.End = SessionEnd.TooManyErrors;
                return _refusal ?? SmtpReply.MessageTooLarge552;
            }

            var status = await WaitAsync();
            if (status is InputStatus.Ended or InputStatus.TimedOut)
            {
                return await EndEarlyAsync(status);
            }
        }

        return _refusal ?? await CompleteAsync();
    }

    private async ValueTask TakeArrivedAsync()
    {
        long taken = 0;
        foreach (var segment in session.Channel.Lines.Unread)
        {
            var rest = segment;
            while (!rest.IsEmpty && !_decoder.IsAtEnd)
            {
                var length = _decoder.Decode(rest.Span, out var consumed, out var start).Length;
                if (_refusal is null)
                {
                    await PassOnAsync(rest.Slice(start, length));
                }

                rest = rest[consumed..];
                taken += consumed;
            }
        }

        session.Channel.Lines.Consume(taken);
        _receivedBytes += taken;
    }

    private async ValueTask PassOnAsync(ReadOnlyMemory<byte> piece)
    {
        _contentBytes += piece.Length;
        var failure = _decoder.Failure ?? (_contentBytes > _options.MaxMessageBytes ? SmtpContentFailure.MessageTooLarge : null);
        if (failure is { } fault)
        {
            await RefuseAsync(ReplyTo(fault), fault);
            return;
        }

        if (piece.IsEmpty)
        {
            return;
        }

        try
        {
            var reply = await sink.WriteAsync(piece, session.Aborted);
            if (reply is not null)
            {
                await RefuseAsync(reply, SmtpContentFailure.SinkRefused);
            }
        }
        catch (Exception exception)
        {
            await RefuseAsync(session.ReplyTo(exception), SmtpContentFailure.SinkRefused);
        }
    }

    private async ValueTask<SmtpReply> CompleteAsync()
    {
        try
        {
            return await sink.CompleteAsync(session.Aborted);
        }
        catch (Exception exception)
        {
            return session.ReplyTo(exception);
        }
    }

    private async ValueTask<SmtpReply?> EndEarlyAsync(InputStatus status)
    {
        var timedOut = status == InputStatus.TimedOut;
        session.End = timedOut ? SessionEnd.TimedOut : SessionEnd.ConnectionLost;
        if (_refusal is null)
        {
            await AbortAsync(timedOut ? SmtpContentFailure.TimedOut : SmtpContentFailure.ConnectionLost);
        }

        // A client that ends its lines in LF alone waits here for a reply to an end of data that never came: it gets the refusal.
        return timedOut ? _refusal ?? SmtpReply.TooSlow421 : null;
    }

    private async ValueTask RefuseAsync(SmtpReply refusal, SmtpContentFailure reason)
    {
        _refusal = refusal;
        await AbortAsync(reason);
    }

    private async ValueTask AbortAsync(SmtpContentFailure reason)
    {
        try
        {
            await sink.AbortAsync(reason);
        }
        catch (Exception exception)
        {
            session.Backend.Failed(exception);
        }
    }

    /// <summary>
    /// Waits for the next piece: no longer than a block may take, nor than the mean rate allows; the sink's own time does not count.
    /// </summary>
    private async ValueTask<InputStatus> WaitAsync()
    {
        var channel = session.Channel;
        var from = channel.Now;
        var allowed = _options.DataBlockTimeout + TimeSpan.FromSeconds((double)_receivedBytes / _options.MinDataBytesPerSecond) - _waited;
        var status = await channel.WaitAsync(from + (allowed < _options.DataBlockTimeout ? allowed : _options.DataBlockTimeout));
        _waited += channel.Now - from;
        return status;
    }

    private static SmtpReply ReplyTo(SmtpContentFailure failure) => failure switch
    {
        SmtpContentFailure.BareLineEnd => SmtpReply.BareLineEnd550,
        SmtpContentFailure.NulOctet => SmtpReply.NulOctet550,
        SmtpContentFailure.TextLineTooLong => SmtpReply.TextLineTooLong550,
        SmtpContentFailure.HeaderTooLarge => SmtpReply.HeaderTooLarge552,
        _ => SmtpReply.MessageTooLarge552,
    };
}
