using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Pop3.Commands;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Pop3;

/// <summary>
/// One POP3 connection, server side (RFC 1939). It works on the snapshot that the backend took at login, so message numbers never move, and
/// there is no lock: two sessions on one mailbox each have their own. Invariants: messages go at QUIT only; a message is
/// never held whole; every buffer has a bound, and an idle session holds none. Failure: an exception of the backend is one
/// <c>-ERR [SYS/TEMP]</c>, in the middle of a message it is the end of the connection; lost peers and late ones end the session, nothing throws.
/// </summary>
public sealed class Pop3ServerSession
{
    private WireChannel? _channel;
    private MaildropView? _view;
    private TimeSpan? _lineDue;
    private int _errors;

    private readonly TlsCertificates? _certificates;

    /// <param name="accounts">Checks logins.</param>
    /// <param name="sasl">What is offered as the connection is at first.</param>
    /// <param name="certificates">For STLS, or for TLS at once; null: neither.</param>
    public Pop3ServerSession(
        Pop3ServerOptions options, IPop3Backend backend, ISaslBackend accounts, SaslPolicy sasl, TimeProvider timeProvider,
        TlsCertificates? certificates = null)
    {
        _certificates = certificates;
        Options = options;
        Backend = backend;
        Accounts = accounts;
        Sasl = sasl;
        TimeProvider = timeProvider;
    }

    internal Pop3ServerOptions Options { get; }

    internal IPop3Backend Backend { get; }

    internal ISaslBackend Accounts { get; }

    /// <summary>Another one when TLS begins.</summary>
    internal SaslPolicy Sasl { get; set; }

    internal TimeProvider TimeProvider { get; }

    internal bool IsSecured { get; private set; }

    internal bool OffersStls => !IsSecured && _certificates is not null && !Options.ImplicitTls;

    /// <summary>Why there was no TLS, where the session ended so.</summary>
    public string? TlsFailure { get; private set; }

    /// <summary>Commands that were refused, in the whole session.</summary>
    public int Refusals => _errors;

    /// <summary>The last refusal as the client read it, temporary ones included; what a log line says of a client that misbehaves.</summary>
    public string? LastRefusal { get; private set; }

    /// <summary>Of USER, until PASS.</summary>
    internal string? UserName { get; set; }

    internal int FailedLogins { get; set; }

    /// <summary>Set: the session ends once the answer is out.</summary>
    internal SessionEnd? End { get; set; }

    internal CancellationToken Aborted { get; private set; }

    internal WireChannel Channel => _channel!;

    internal bool IsLoggedIn => _view is not null;

    /// <summary>After login only, which the command table sees to.</summary>
    internal MaildropView View => _view!;

    /// <summary>
    /// Runs the session to its end; throws nothing for what a client does. The caller completes the transport and disposes the backend; the
    /// session disposes the maildrop.
    /// </summary>
    /// <param name="shutdown">
    /// The client may go on as long as it does not pause, so that it comes to QUIT, which removes what it has marked (RFC 1939 §6); when it pauses, the
    /// session ends, and removes nothing.
    /// </param>
    /// <param name="aborted">The connection is gone, or must go now; handed to the backend.</param>
    public async Task<SessionEnd> RunAsync(IDuplexPipe transport, CancellationToken shutdown, CancellationToken aborted = default)
    {
        await using var channel = new WireChannel(transport, Options.MaxLineBytes, Options.WriteTimeout, TimeProvider, shutdown);
        _channel = channel;
        Aborted = aborted;
        if (Options.ImplicitTls)
        {
            await SecureAsync();
        }

        if (End is null)
        {
            channel.Write(Options.Greeting.Wire);
        }

        while (End is null)
        {
            if (channel.Lines.TryTakeLine(out var line) is var status && status != LineStatus.Incomplete)
            {
                await RunLineAsync(status, line);
            }
            else
            {
                await WaitAsync();
            }
        }

        await channel.CloseAsync();
        if (_view is not null)
        {
            await CloseMaildropAsync(_view.Maildrop);
        }

        return End.Value;
    }

    /// <summary>The handshake, after STLS or at once; the session ends where it fails.</summary>
    internal async ValueTask SecureAsync()
    {
        (var facts, TlsFailure) = await Channel.StartTlsAsync(_certificates!, Options.HandshakeTimeout);
        if (facts is null)
        {
            End = SessionEnd.TlsFailed;
            return;
        }

        IsSecured = true;
        UserName = null;
        Sasl = Sasl with { IsEncrypted = true, EndPointBinding = facts.EndPointBinding };
    }

    internal MaildropView Open(IPop3Maildrop maildrop) => _view = new MaildropView(maildrop);

    internal void WriteLine(string text)
    {
        Encoding.ASCII.GetBytes(text, Channel);
        Channel.Write("\r\n"u8);
    }

    /// <summary>A multi-line response of fixed lines, none of which starts with a dot.</summary>
    internal void WriteLines(string status, params ReadOnlySpan<string> lines)
    {
        WriteLine(status);
        foreach (var line in lines)
        {
            WriteLine(line);
        }

        WriteLine(".");
    }

    internal void WriteNumbers(ReadOnlySpan<byte> status, long first, long second)
    {
        Channel.Write(status);
        Channel.Write(first);
        Channel.Write(" "u8);
        Channel.Write(second);
        Channel.Write("\r\n"u8);
    }

    internal void WriteUniqueId(ReadOnlySpan<byte> status, int index)
    {
        Channel.Write(status);
        Channel.Write(index + 1);
        Channel.Write(" "u8);
        WriteLine(View.Maildrop.UniqueId(index));
    }

    /// <summary>False: the client reads no more, and the session ends.</summary>
    internal async ValueTask<bool> FlushWhenFullAsync()
    {
        if (await Channel.FlushWhenFullAsync())
        {
            return true;
        }

        End ??= Channel.OutputEnd;
        return false;
    }

    /// <summary>A line that is no command, in the middle of one. Null: it was a bad one, or the session ended.</summary>
    internal async ValueTask<byte[]?> ReadLineAsync()
    {
        while (End is null)
        {
            var status = Channel.Lines.TryTakeLine(out var line);
            if (status != LineStatus.Incomplete)
            {
                return status == LineStatus.Line ? line.ToArray() : null;
            }

            await WaitAsync();
        }

        return null;
    }

    /// <summary>The one place where a failure becomes an answer: the client hears that it may try again, the backend what happened.</summary>
    private Pop3Reply ReplyTo(Exception failure)
    {
        if (!(failure is OperationCanceledException && Aborted.IsCancellationRequested))
        {
            Backend.Failed(failure);
        }

        return Pop3Reply.Unavailable;
    }

    private ValueTask RunLineAsync(LineStatus status, ReadOnlySpan<byte> line)
    {
        _lineDue = null;
        ValueTask<Pop3Reply?> pending;
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

    private ValueTask<Pop3Reply?> ExecuteAsync(ReadOnlySpan<byte> line)
    {
        var row = Pop3CommandTable.Find(line, out var arguments);
        if (row is null)
        {
            return new(Pop3Reply.UnknownCommand);
        }

        var refusal = IsLoggedIn ? row.Transaction : row.Authorization;
        return refusal is null ? row.Handler(this, arguments) : new(refusal);
    }

    private Pop3Reply RefuseLine(LineStatus status)
    {
        if (status == LineStatus.Endless)
        {
            End = SessionEnd.TooManyErrors;
        }

        return status == LineStatus.BadLine ? Pop3Reply.BadLine : Pop3Reply.LineTooLong;
    }

    private async ValueTask AnswerAsync(ValueTask<Pop3Reply?> pending)
    {
        Pop3Reply? reply;
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
            Channel.Write(reply.Wire);
            if (reply.IsError)
            {
                CountRefusal(reply);
            }
        }

        await FlushWhenFullAsync();
    }

    private void CountRefusal(Pop3Reply reply)
    {
        LastRefusal = reply.Text;
        if (++_errors >= Options.MaxErrors && End is null)
        {
            Channel.Write(Pop3Reply.TooManyErrors.Wire);
            LastRefusal = Pop3Reply.TooManyErrors.Text;
            End = SessionEnd.TooManyErrors;
        }
    }

    /// <summary>The time is for the whole line. One that is late is cut off without a word (RFC 1939 §3), save at shutdown.</summary>
    private async ValueTask WaitAsync()
    {
        var grace = Channel.IsShuttingDown ? Options.ShutdownGrace : Options.IdleTimeout;
        var status = await Channel.WaitAsync(_lineDue ??= Channel.Now + grace);
        if (status == InputStatus.TimedOut && Channel.IsShuttingDown)
        {
            Channel.Write(Pop3Reply.ShuttingDown.Wire);
            End = SessionEnd.Shutdown;
        }
        else if (status is InputStatus.Ended or InputStatus.TimedOut)
        {
            End = WireChannel.EndOf(status);
        }
        else if (status == InputStatus.Woken && Channel.IsShuttingDown)
        {
            var soon = Channel.Now + Options.ShutdownGrace;
            _lineDue = soon < _lineDue ? soon : _lineDue;
        }
    }

    private async ValueTask CloseMaildropAsync(IPop3Maildrop maildrop)
    {
        try
        {
            await maildrop.DisposeAsync();
        }
        catch (Exception failure)
        {
            Backend.Failed(failure);
        }
    }
}
