using System.Buffers;
using System.IO.Pipelines;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp.Commands;
using MailGrains.Protocols.Smtp.Parameters;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp;

/// <summary>
/// One SMTP connection, server side (RFC 5321, RFC 6409). A line is cut out of the transport's buffers, looked up in <see cref="SmtpCommandTable"/>,
/// parsed in full, then the backend is asked and the reply is written; replies gather until the input is exhausted (RFC 2920 §3.2).
/// Invariants: a reply for every line, in order; content reaches a sink only between an accepted DATA or BDAT and its reply; every buffer has a
/// bound, and an idle session holds none. Failure: an exception of the backend is one 451 4.3.0; a peer that is lost or late ends the
/// session; nothing throws.
/// </summary>
public sealed class SmtpServerSession
{
    private readonly TimeProvider _timeProvider;
    private WireChannel? _channel;
    private TimeSpan? _lineDue;

    public SmtpServerSession(SmtpServerOptions options, ISmtpBackend backend, TimeProvider timeProvider, SmtpConnection? connection = null)
    {
        Options = options;
        Connection = connection ?? SmtpConnection.Plain;
        Backend = backend;
        Errors = new ErrorBudget(options);
        _timeProvider = timeProvider;
    }

    /// <summary>Commands that were refused for good, in the whole session.</summary>
    public int Refusals => Errors.Refusals;

    /// <summary>The last refusal, temporary ones and 421 included; what a log line says of a client that misbehaves.</summary>
    public SmtpReply? LastRefusal => Errors.LastRefusal;

    /// <summary>Why there was no TLS, where the session ended so.</summary>
    public string? TlsFailure { get; private set; }

    internal SmtpServerOptions Options { get; }

    internal ErrorBudget Errors { get; }

    internal SmtpConnection Connection { get; }

    internal ISmtpBackend Backend { get; }

    internal SmtpState State { get; set; }

    /// <summary>What was agreed; null: the connection is in clear.</summary>
    internal TlsFacts? Tls { get; private set; }

    /// <summary>Who has logged in.</summary>
    internal SaslIdentity? Identity { get; private set; }

    /// <summary>Accepted recipients of the open transaction.</summary>
    internal int Recipients { get; set; }

    /// <summary>The parameters of the open transaction's MAIL.</summary>
    internal MailParameters Parameters { get; set; }

    /// <summary>The message that is coming in chunks.</summary>
    internal ChunkReceiver? Chunks { get; set; }

    /// <summary>Set: the session ends once the reply is out.</summary>
    internal SessionEnd? End { get; set; }

    internal CancellationToken Aborted { get; private set; }

    internal WireChannel Channel => _channel!;

    internal bool OffersStartTls => Tls is null && Connection.Certificates is not null && !Options.ImplicitTls;

    internal DateTimeOffset UtcNow => _timeProvider.GetUtcNow();

    internal ParameterRules Rules => new(Options.KnownExtensions, TakesAuth: Connection.Accounts is not null, IsSecure: Tls is not null)
    {
        Now = UtcNow,
        MaxHold = Options.MaxHold,
        MinDeliverBy = Options.MinDeliverBy,
    };

    /// <summary>Others ask for no priority above the usual one (RFC 6710).</summary>
    internal bool MayRaisePriority => Identity is not null || Connection.IsTrusted;

    internal SaslPolicy Policy => new(Tls is not null, Connection.AllowsClearTextLogin, Tls?.EndPointBinding ?? default, Connection.OffersBearer);

    /// <summary>
    /// Runs the session to its end; throws nothing for what a client does. The caller completes the transport and disposes the backend.
    /// </summary>
    /// <param name="shutdown">Ends the session with 421 4.3.2 between transactions; content that is flowing is taken first.</param>
    /// <param name="aborted">The connection is gone, or must go now; handed to the backend.</param>
    public async Task<SessionEnd> RunAsync(IDuplexPipe transport, CancellationToken shutdown, CancellationToken aborted = default)
    {
        var maxLineBytes = Connection.Accounts is null ? Options.MaxCommandLineBytes : Options.MaxAuthLineBytes;
        await using var channel = new WireChannel(transport, maxLineBytes, Options.WriteTimeout, _timeProvider, shutdown);
        _channel = channel;
        Aborted = aborted;
        if (await OpenAsync())
        {
            channel.Write(Options.Greeting.Wire.Span);
        }

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

        await AbandonChunksAsync(SmtpContentFailure.ConnectionLost);
        await channel.CloseAsync();
        return End.Value;
    }

    /// <summary>The handshake, after STARTTLS or at once; false: it failed, and the session ends.</summary>
    internal async ValueTask<bool> SecureAsync()
    {
        (Tls, TlsFailure) = await Channel.StartTlsAsync(Connection.Certificates!, Options.HandshakeTimeout);
        if (Tls is null)
        {
            End = SessionEnd.TlsFailed;
            return false;
        }

        Backend.Secured(Tls);
        return true;
    }

    internal void Authenticate(SaslIdentity identity)
    {
        Identity = identity;
        Errors.ForgiveLogins();
        Backend.Authenticated(identity);
    }

    /// <summary>A login was refused; what to say, and after too many of them the session ends.</summary>
    internal SmtpReply RefuseLogin(SmtpReply refusal)
    {
        if (Errors.CountFailedLogin())
        {
            return refusal;
        }

        Channel.Write(refusal.Wire.Span);
        End = SessionEnd.TooManyErrors;
        return SmtpReply.TooManyFailedLogins421;
    }

    /// <summary>A line that is no command, in the middle of one; null when there is none any more.</summary>
    internal async ValueTask<(LineStatus Status, byte[] Line)?> ReadLineAsync()
    {
        _lineDue = null;
        while (End is null)
        {
            var status = Channel.Lines.TryTakeLine(out var line);
            if (status != LineStatus.Incomplete)
            {
                return (status, line.ToArray());
            }

            OnInput(await Channel.WaitAsync(LineDue()));
        }

        return null;
    }

    internal async ValueTask ResetTransactionAsync()
    {
        await AbandonChunksAsync(SmtpContentFailure.Abandoned);
        if (State > SmtpState.Ready)
        {
            Backend.Reset();
            State = SmtpState.Ready;
        }

        Recipients = 0;
        Parameters = default;
    }

    /// <summary>Opens the flow of a message into the sink.</summary>
    internal (ContentFlow Flow, ContentDecoder Decoder) BeginFlow(ISmtpContentSink sink, ContentForm form)
    {
        if (Parameters.Body == BodyType.BinaryMime)
        {
            form |= ContentForm.Binary;
        }
        else if (Options.IsSubmission)
        {
            form |= ContentForm.Mended;
            sink = new LineEndRepair(sink, Options.MaxMessageBytes);
        }

        return (new ContentFlow(this, sink), new ContentDecoder(Options.MaxTextLineBytes, Options.MaxHeaderBytes, form));
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

    /// <summary>What comes before the greeting; false: the session ends without one.</summary>
    private async ValueTask<bool> OpenAsync()
    {
        if (Options.ImplicitTls && !await SecureAsync())
        {
            return false;
        }

        if (Options.GreetDelay > TimeSpan.Zero && !Connection.IsTrusted)
        {
            await WaitForGreetingAsync();
        }

        return End is null;
    }

    private async ValueTask WaitForGreetingAsync()
    {
        var due = Channel.Now + Options.GreetDelay;
        while (Channel.Now < due && !Channel.IsShuttingDown)
        {
            var status = await Channel.WaitAsync(due);
            if (status == InputStatus.Arrived)
            {
                Close(SmtpReply.EarlyTalker554, SessionEnd.EarlyTalker);
                return;
            }

            if (status == InputStatus.Ended)
            {
                End = SessionEnd.ConnectionLost;
                return;
            }
        }
    }

    private async ValueTask AbandonChunksAsync(SmtpContentFailure reason)
    {
        if (Chunks is { } chunks)
        {
            Chunks = null;
            await chunks.AbortAsync(reason);
        }
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
            if (reply.IsPermanentFailure && !Connection.IsTrusted)
            {
                await TarpitAsync();
            }

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

        // Where AUTH is offered a line may be long, but only its own.
        if (line.Length + 2 > Options.MaxCommandLineBytes && !row.IsLong)
        {
            return new(SmtpReply.LineTooLong500);
        }

        if (row.RefusalIn(State) is { } refusal)
        {
            return new(refusal);
        }

        if (row.IsJunk)
        {
            Errors.CountJunk();
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
        Errors.Answered(reply);
        if (reply.ClosesSession)
        {
            End ??= SessionEnd.ClosedByBackend;
        }

        if (Errors.IsSpent && End is null)
        {
            Close(SmtpReply.TooManyErrors421, SessionEnd.TooManyErrors);
        }
    }

    private void Close(SmtpReply reply, SessionEnd end)
    {
        Channel.Write(reply.Wire.Span);
        Errors.Answered(reply);
        End = end;
    }

    /// <summary>A timer waits, no thread; shutdown does not wait for it.</summary>
    private async ValueTask TarpitAsync()
    {
        if (Errors.Tarpit is var delay && delay > TimeSpan.Zero && await Channel.FlushAsync())
        {
            await Channel.PauseAsync(delay);
        }
    }

    /// <summary>The time is for the whole line: octets that trickle in do not prolong it (RFC 5321 §4.5.3.2.7).</summary>
    private TimeSpan LineDue() => _lineDue ??= Channel.Now + (Channel.IsShuttingDown ? Options.ShutdownGrace : Chunks?.PauseAllowance() ?? Options.CommandTimeout);

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
