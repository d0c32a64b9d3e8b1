using System.Buffers;
using System.IO.Pipelines;
using MailGrains.Protocols.Smtp.Commands;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// One SMTP connection, server side (RFC 5321). A line is cut out of the transport's buffers, looked up in <see cref="SmtpCommandTable"/>, parsed
/// in full, then the backend is asked and the reply is written; replies gather until the input is exhausted (RFC 2920 §3.2).
/// Invariants: a reply for every line, in order; content reaches a sink only between an accepted DATA and its reply; every buffer has a
/// bound, and an idle session holds none. Failure: an exception of the backend is one 451 4.3.0; a peer that is lost or late ends the
/// session; nothing throws.
/// </summary>
public sealed class SmtpServerSession
{
    private readonly TimeProvider _timeProvider;
    private WireChannel? _channel;
    private int _errors;
    private int _junkCommands;
    private TimeSpan? _lineDue;

    public SmtpServerSession(SmtpServerOptions options, ISmtpBackend backend, TimeProvider timeProvider)
    {
        Options = options;
        Backend = backend;
        _timeProvider = timeProvider;
    }

    internal SmtpServerOptions Options { get; }

    internal ISmtpBackend Backend { get; }

    internal SmtpState State { get; set; }

    /// <summary>Accepted recipients of the open transaction.</summary>
    internal int Recipients { get; set; }

    /// <summary>SMTPUTF8 was given with the open transaction's MAIL.</summary>
    internal bool SmtpUtf8 { get; set; }

    /// <summary>Set: the session ends once the reply is out.</summary>
    internal SessionEnd? End { get; set; }

    internal CancellationToken Aborted { get; private set; }

    internal WireChannel Channel => _channel!;

    /// <summary>
    /// Runs the session to its end; throws nothing for what a client does. The caller completes the transport and disposes the backend.
    /// </summary>
    /// <param name="shutdown">Ends the session with 421 4.3.2 between transactions; content that is flowing is taken first.</param>
    /// <param name="aborted">The connection is gone, or must go now; handed to the backend.</param>
    public async Task<SessionEnd> RunAsync(IDuplexPipe transport, CancellationToken shutdown, CancellationToken aborted = default)
    {
        using var channel = new WireChannel(transport, Options.MaxCommandLineBytes, Options.WriteTimeout, _timeProvider, shutdown);
        _channel = channel;
        Aborted = aborted;
        channel.Write(Options.Greeting.Wire.Span);
        while (End is null)
        {
            if (channel.IsShuttingDown && State <= SmtpState.Ready)
            {
                Close(SmtpReply.ShuttingDown421, SessionEnd.Shutdown);
            }
            else if (channel.Lines.TryTakeLine(out var line) is var status && status != LineStatus.Incomplete)
            {
                await RunLineAsync(status, line);
            }
            else
            {
                OnInput(await channel.WaitAsync(LineDue()));
            }
        }

        await channel.FlushAsync();
        return End.Value;
    }

    internal void ResetTransaction()
    {
        if (State > SmtpState.Ready)
        {
            Backend.Reset();
            State = SmtpState.Ready;
        }

        Recipients = 0;
        SmtpUtf8 = false;
    }

    /// <summary>A message was accepted: what went before is forgotten.</summary>
    internal void ForgiveErrors()
    {
        _errors = 0;
        _junkCommands = 0;
    }

    /// <summary>The one place where a failure becomes a reply: the client hears that it may try again, the backend what happened.</summary>
    internal SmtpReply ReplyTo(Exception failure)
    {
        if (!(failure is OperationCanceledException && Aborted.IsCancellationRequested))
        {
            Backend.Failed(failure);
        }

        return SmtpReply.LocalError451;
    }

    private ValueTask RunLineAsync(LineStatus status, ReadOnlySpan<byte> line)
    {
        _lineDue = null;
        ValueTask<SmtpReply?> pending;
        try
        {
            pending = status == LineStatus.Line ? ExecuteAsync(line) : new(RefuseLine(status));
        }
        catch (Exception failure)
        {
            pending = new(ReplyTo(failure));
        }

        return AnswerAsync(pending);
    }

    private async ValueTask AnswerAsync(ValueTask<SmtpReply?> pending)
    {
        SmtpReply? reply;
        try
        {
            reply = await pending;
        }
        catch (Exception failure)
        {
            reply = ReplyTo(failure);
        }

        if (reply is not null)
        {
            Answer(reply);
        }

        if (!await Channel.FlushWhenFullAsync())
        {
            End ??= Channel.OutputEnd;
        }
    }

    private ValueTask<SmtpReply?> ExecuteAsync(ReadOnlySpan<byte> line)
    {
        var row = SmtpCommandTable.Find(line, out var arguments);
        if (row is null)
        {
            return new(SmtpReply.UnknownCommand500);
        }

        if (row.RefusalIn(State) is { } refusal)
        {
            return new(refusal);
        }

        if (row.IsJunk && ++_junkCommands > Options.MaxJunkCommands)
        {
            _errors++;
        }

        return row.Handler!(this, arguments);
    }

    private SmtpReply RefuseLine(LineStatus status)
    {
        if (status == LineStatus.Endless)
        {
            End = SessionEnd.TooManyErrors;
        }

        // RFC 5321 §4.5.3.1.9.
        return status == LineStatus.BadLine ? SmtpReply.BadLineEnd500 : SmtpReply.LineTooLong500;
    }

    private void Answer(SmtpReply reply)
    {
        Channel.Write(reply.Wire.Span);
        if (reply.ClosesSession)
        {
            End ??= SessionEnd.ClosedByBackend;
        }
        else if (reply.IsPermanentFailure)
        {
            _errors++;
        }

        if (_errors >= Options.MaxErrors && End is null)
        {
            Close(SmtpReply.TooManyErrors421, SessionEnd.TooManyErrors);
        }
    }

    private void Close(SmtpReply reply, SessionEnd end)
    {
        Channel.Write(reply.Wire.Span);
        End = end;
    }

    /// <summary>The time is for the whole line: octets that trickle in do not prolong it (RFC 5321 §4.5.3.2.7).</summary>
    private TimeSpan LineDue() => _lineDue ??= Channel.Now + (Channel.IsShuttingDown ? Options.ShutdownGrace : Options.CommandTimeout);

    private void OnInput(InputStatus status)
    {
        if (status == InputStatus.Ended)
        {
            End = WireChannel.EndOf(status);
        }
        else if (status == InputStatus.TimedOut)
        {
            var shutdown = Channel.IsShuttingDown;
            Close(shutdown ? SmtpReply.ShuttingDown421 : SmtpReply.TooSlow421, shutdown ? SessionEnd.Shutdown : SessionEnd.TimedOut);
        }
        else if (status == InputStatus.Woken && Channel.IsShuttingDown)
        {
            // An open transaction may go on, step by step.
            var grace = Channel.Now + Options.ShutdownGrace;
            _lineDue = grace < _lineDue ? grace : _lineDue;
        }
    }
}
