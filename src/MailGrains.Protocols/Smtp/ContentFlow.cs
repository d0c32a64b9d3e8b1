using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// One message on its way to the sink, by DATA or BDAT. The first fault, of content, size or sink, aborts the sink at once; what the client still
/// sends of the message is swallowed, so that the session stays in step, but never more than <see cref="MaxSwallowedBytes"/>: then the refusal is
/// written and the session ends.
/// </summary>
internal sealed class ContentFlow(SmtpServerSession session, ISmtpContentSink sink)
{
    private readonly SmtpServerOptions _options = session.Options;
    private long _contentBytes;
    private long _receivedBytes;
    private TimeSpan _waited;
    private TimeSpan _pausedAt = session.Channel.Now;
    private bool _ended;

    /// <summary>Set: the message is refused and the sink aborted.</summary>
    public SmtpReply? Refusal { get; private set; }

    public long MaxSwallowedBytes => (2 * _options.MaxMessageBytes) + (1 << 20);

    public bool HasSwallowedEnough => _receivedBytes > MaxSwallowedBytes;

    public static SmtpReply ReplyTo(SmtpContentFailure failure) => failure switch
    {
        SmtpContentFailure.BareLineEnd => SmtpReply.BareLineEnd550,
        SmtpContentFailure.NulOctet => SmtpReply.NulOctet550,
        SmtpContentFailure.TextLineTooLong => SmtpReply.TextLineTooLong550,
        SmtpContentFailure.HeaderTooLarge => SmtpReply.HeaderTooLarge552,
        _ => SmtpReply.MessageTooLarge552,
    };

    /// <summary>Decodes one run of the client's octets and hands it on; answers how many of them the decoder took.</summary>
    public async ValueTask<int> TakeAsync(ContentDecoder decoder, ReadOnlyMemory<byte> input)
    {
        var length = decoder.Decode(input.Span, out var consumed, out var start).Length;
        if (Refusal is null)
        {
            await PassOnAsync(input.Slice(start, length), decoder.Failure);
        }

        return consumed;
    }

    /// <summary>Octets that came over the wire, content or not.</summary>
    public void Received(long octets) => _receivedBytes += octets;

    /// <summary>
    /// Waits for the next piece: no longer than a block may take, nor than the mean rate allows; the sink's own time does not count.
    /// </summary>
    public async ValueTask<InputStatus> WaitAsync()
    {
        var channel = session.Channel;
        var from = channel.Now;
        var status = await channel.WaitAsync(from + Allowance(_options.DataBlockTimeout));
        _waited += channel.Now - from;
        return status;
    }

    /// <summary>A chunk has been taken: the client's time runs until the next one, whatever it says meanwhile.</summary>
    public void BeginPause() => _pausedAt = session.Channel.Now;

    /// <summary>What is left of the client's time between two chunks.</summary>
    public TimeSpan PauseAllowance()
    {
        EndPause();
        return Allowance(_options.CommandTimeout);
    }

    public void EndPause()
    {
        var now = session.Channel.Now;
        _waited += now - _pausedAt;
        _pausedAt = now;
    }

    public ValueTask RefuseAsync(SmtpContentFailure failure) => RefuseAsync(ReplyTo(failure), failure);

    public ValueTask RefuseAsync(SmtpReply refusal) => RefuseAsync(refusal, SmtpContentFailure.SinkRefused);

    public async ValueTask<SmtpReply> CompleteAsync()
    {
        try
        {
            _ended = true;
            return await sink.CompleteAsync(session.Aborted);
        }
        catch (Exception exception)
        {
            return session.ReplyTo(exception);
        }
    }

    /// <summary>The client is lost or late; the reply that one who is late still hears.</summary>
    public async ValueTask<SmtpReply?> EndEarlyAsync(InputStatus status)
    {
        var timedOut = status == InputStatus.TimedOut;
        session.End = timedOut ? SessionEnd.TimedOut : SessionEnd.ConnectionLost;
        await AbortAsync(timedOut ? SmtpContentFailure.TimedOut : SmtpContentFailure.ConnectionLost);

        // A client that ends its lines in LF alone waits here for a reply to an end of data that never came: it gets the refusal.
        return timedOut ? Refusal ?? SmtpReply.TooSlow421 : null;
    }

    /// <summary>The content ends here; a repeat does nothing.</summary>
    public async ValueTask AbortAsync(SmtpContentFailure reason)
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        try
        {
            await sink.AbortAsync(reason);
        }
        catch (Exception exception)
        {
            session.Backend.Failed(exception);
        }
    }

    private async ValueTask PassOnAsync(ReadOnlyMemory<byte> piece, SmtpContentFailure? failure)
    {
        _contentBytes += piece.Length;
        failure ??= _contentBytes > _options.MaxMessageBytes ? SmtpContentFailure.MessageTooLarge : null;
        if (failure is { } fault)
        {
            await RefuseAsync(fault);
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

    private async ValueTask RefuseAsync(SmtpReply refusal, SmtpContentFailure reason)
    {
        Refusal ??= refusal;
        await AbortAsync(reason);
    }

    private TimeSpan Allowance(TimeSpan most)
    {
        var allowed = _options.DataBlockTimeout + TimeSpan.FromSeconds((double)_receivedBytes / _options.MinDataBytesPerSecond) - _waited;
        return allowed < most ? allowed : most;
    }
}
