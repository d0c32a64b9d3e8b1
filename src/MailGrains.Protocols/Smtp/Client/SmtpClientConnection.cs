using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tls;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>
/// One SMTP connection, client side: <see cref="OpenAsync"/>, then perhaps <see cref="StartTlsAsync"/> and <see cref="AuthenticateAsync"/>, then any
/// number of mails one after another, then <see cref="QuitAsync"/>; one call at a time. Nothing throws for what a server does: results say what happened, and
/// <see cref="IsUsable"/> whether the connection is good for more. Invariants: every reply answers a command of ours, in order, or the connection is given
/// up; each wait has an end; every buffer has a bound; what has been said in clear is forgotten when TLS begins.
/// The caller opens the transport, and ends it after it has disposed this; without QUIT it is best aborted, so that the server takes no half message
/// for a whole one.
/// </summary>
public sealed class SmtpClientConnection : IAsyncDisposable
{
    /// <summary>For what a server said before it stopped reading, or is saying while nobody asked.</summary>
    private static readonly TimeSpan LastWordsTimeout = TimeSpan.FromSeconds(5);

    private readonly ReplyReader _replies = new();
    private Heard? _end;
    private int _mails;

    /// <param name="aborted">Ends what is being waited for, with <see cref="SmtpCause.Aborted"/>; handed to the callbacks of a mail.</param>
    public SmtpClientConnection(IDuplexPipe transport, SmtpClientOptions options, TimeProvider timeProvider, CancellationToken aborted = default)
    {
        (Options, Time, Aborted) = (options, timeProvider, aborted);
        Channel = new WireChannel(transport, ReplyReader.MaxLineBytes, options.DataBlockTimeout, timeProvider, aborted);
    }

    public SmtpCapabilities Capabilities { get; internal set; } = SmtpCapabilities.None;

    /// <summary>What was agreed; null: the connection is in clear.</summary>
    public TlsFacts? Tls { get; private set; }

    public bool IsAuthenticated { get; private set; }

    /// <summary>Another mail may be sent: the connection stands, both sides are in step, and the server's MAILMAX (RFC 9422) has room.</summary>
    public bool IsUsable => _end is null && !(_mails >= Capabilities.MaxMails);

    /// <summary>Nothing more can be said on it, QUIT neither.</summary>
    public bool HasEnded => _end is not null;

    /// <summary>
    /// Transactions that were begun. A connection that has had some may have been closed by the server since: a result at
    /// <see cref="SmtpStage.Mail"/> that the connection was lost, or a 421 there, then says nothing of the mail, which may go over a new one at once.
    /// </summary>
    public int Mails => _mails;

    internal SmtpClientOptions Options { get; }

    internal TimeProvider Time { get; }

    internal WireChannel Channel { get; }

    internal CancellationToken Aborted { get; }

    /// <summary>The server has a transaction open that has come to nothing.</summary>
    internal bool NeedsReset { get; set; }

    /// <summary>With <see cref="ReplyForm.Challenge"/>.</summary>
    internal byte[] Challenge => _replies.Challenge;

    /// <summary>Greeting and EHLO (HELO where that is refused).</summary>
    /// <param name="implicitTls">TLS from the first octet (RFC 8314 §3); null: in clear.</param>
    public async ValueTask<SmtpResult> OpenAsync(TlsClientPolicy? implicitTls = null)
    {
        if (implicitTls is not null && await SecureAsync(implicitTls) is { } failure)
        {
            return failure;
        }

        var greeting = await AskAsync(SmtpStage.Greeting, null, Options.GreetingTimeout);
        return greeting.IsAccepted ? await HelloAsync() : greeting;
    }

    /// <summary>
    /// STARTTLS (RFC 3207), the handshake, EHLO again. When the server refuses to begin, the connection goes on in clear if the caller wants it to; a
    /// handshake that has failed is its end. What came in clear behind the server's answer is forgotten.
    /// </summary>
    public async ValueTask<SmtpResult> StartTlsAsync(TlsClientPolicy policy)
    {
        if (!Capabilities.StartTls || Tls is not null)
        {
            return SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.StartTls, SmtpCause.NotOffered, "the server does not offer STARTTLS");
        }

        if (await HearUnaskedAsync() is { } unasked)
        {
            return Idle(SmtpStage.StartTls, unasked);
        }

        var answer = await AskAsync(SmtpStage.StartTls, "STARTTLS", Options.CommandTimeout);
        if (!answer.IsAccepted)
        {
            return answer;
        }

        return await SecureAsync(policy) ?? await HelloAsync();
    }

    /// <summary>
    /// AUTH (RFC 4954) by the best mechanism that both know: SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, LOGIN. A refusal is 5yz and
    /// <see cref="SmtpVerdict.Permanent"/>, though it says nothing of any mail.
    /// </summary>
    /// <param name="credentials">Name and password after SASLprep; no other identity to act as.</param>
    public async ValueTask<SmtpResult> AuthenticateAsync(PlainCredentials credentials)
    {
        var result = await HearUnaskedAsync() is { } unasked
            ? Idle(SmtpStage.Auth, unasked)
            : await new Login(this, credentials).RunAsync();
        IsAuthenticated |= result.IsAccepted;
        return result;
    }

    /// <summary>
    /// One transaction. Recipients beyond what the server takes in one are <see cref="SmtpCause.NotAsked"/>; those that a failure left without an
    /// answer have the failure.
    /// </summary>
    public async ValueTask<SmtpSendResult> SendAsync(OutgoingMail mail)
    {
        Channel.Limit = Channel.Now + Options.TransactionGrace + TimeSpan.FromSeconds((double)mail.Content.Length / Options.MinBytesPerSecond);
        var unasked = await HearUnaskedAsync();
        var result = unasked is null
            ? await new Transaction(this, mail).RunAsync()
            : new SmtpSendResult([.. Enumerable.Repeat(Idle(SmtpStage.Mail, unasked.Value), mail.Recipients.Count)], Uncertain: false);
        Channel.Limit = TimeSpan.MaxValue;
        return result;
    }

    /// <summary>Is the server still there?</summary>
    public ValueTask<SmtpResult> NoopAsync() => AskIdleAsync("NOOP");

    /// <summary>Not needed between mails: what a refused one left open is reset with the next.</summary>
    public async ValueTask<SmtpResult> ResetAsync()
    {
        var result = await AskIdleAsync("RSET");
        NeedsReset &= !result.IsAccepted;
        return result;
    }

    /// <summary>QUIT, where that can still be said, and under TLS its end. The connection is of no use afterwards.</summary>
    public async ValueTask QuitAsync()
    {
        if (_end is null)
        {
            Write("QUIT");
            await HearAsync(ReplyForm.Plain, Options.QuitTimeout);
        }

        if (_end is null or { Reply: not null })
        {
            await Channel.CloseAsync();
        }

        End(SmtpCause.ConnectionLost, "the connection is closed");
    }

    public ValueTask DisposeAsync()
    {
        End(SmtpCause.ConnectionLost, "the connection is closed");
        return Channel.DisposeAsync();
    }

    internal void Write(string command)
    {
        Encoding.UTF8.GetBytes(command, Channel);
        Channel.Write("\r\n"u8);
    }

    /// <summary>A transaction has begun.</summary>
    internal void CountMail() => _mails++;

    /// <summary>The connection is of no use from here on; the first reason stays.</summary>
    internal Heard End(SmtpCause cause, string detail)
    {
        _end ??= new Heard(null, cause, detail);
        return _end.Value;
    }

    /// <summary>Pushes out what was written, then reads one reply. Without one, or with a 421, the connection has ended.</summary>
    internal async ValueTask<Heard> HearAsync(ReplyForm form, TimeSpan timeout)
    {
        if (_end is { } end)
        {
            return end with { Reply = null };
        }

        _replies.Begin(form);
        var due = Channel.Now + timeout;
        var hasLostOutput = false;
        while (true)
        {
            switch (_replies.Take(Channel.Lines))
            {
                case ReplyStatus.Broken:
                    return End(SmtpCause.BadReply, _replies.Defect);
                case ReplyStatus.Whole:
                    return Take(_replies.Reply!);
                default:
                    break;
            }

            var status = await Channel.WaitAsync(due);
            if (Channel.OutputEnd is not null && !hasLostOutput)
            {
                // Who stops reading may have said why.
                hasLostOutput = true;
                due = Channel.Now + LastWordsTimeout;
            }
            else if (status == InputStatus.TimedOut)
            {
                return End(SmtpCause.TimedOut, Channel.OutputEnd is null ? "the server did not answer in time" : "the server does not read what it is sent");
            }
            else if (status == InputStatus.Ended)
            {
                return End(SmtpCause.ConnectionLost, "the connection was lost");
            }
            else if (Channel.IsShuttingDown)
            {
                return End(SmtpCause.Aborted, "aborted");
            }
        }
    }

    /// <summary>
    /// While no answer is due nothing may come: what has is a last word (421, or in the middle of content 4yz or 5yz), or the two sides are out of
    /// step. Null: nothing has come.
    /// </summary>
    internal async ValueTask<Heard?> HearUnaskedAsync()
    {
        if (_end is not null)
        {
            return _end.Value with { Reply = null };
        }

        if (await Channel.PollAsync() is null)
        {
            return null;
        }

        var heard = await HearAsync(ReplyForm.Plain, LastWordsTimeout);
        if (heard.Reply is { Code: >= 400 })
        {
            End(SmtpCause.ConnectionLost, "the server has refused to go on");
            return heard;
        }

        return heard.Reply is null ? heard : End(SmtpCause.BadReply, $"an answer to nothing: {heard.Reply}");
    }

    /// <summary>One command and its reply of 2yz, 4yz or 5yz; any other ends the connection.</summary>
    internal async ValueTask<SmtpResult> AskAsync(SmtpStage stage, string? command, TimeSpan timeout, ReplyForm form = ReplyForm.Plain)
    {
        if (command is not null && _end is null)
        {
            Write(command);
        }

        var heard = await HearAsync(form, timeout);
        return SmtpResult.Of(stage, heard.Reply is { IsIntermediate: true } ? EndOutOfStep(heard.Reply) : heard);
    }

    /// <summary>A reply that is none to what was asked.</summary>
    internal Heard EndOutOfStep(PeerReply reply) => End(SmtpCause.BadReply, $"no answer to this: {reply}");

    private Heard Take(PeerReply reply)
    {
        if (reply.ClosesConnection)
        {
            _end ??= new Heard(reply, SmtpCause.ConnectionLost, $"the server has closed the connection: {reply}");
        }

        return new Heard(reply, SmtpCause.Reply, "");
    }

    private async ValueTask<SmtpResult> AskIdleAsync(string command) => await HearUnaskedAsync() is { } unasked
        ? Idle(SmtpStage.Mail, unasked)
        : await AskAsync(SmtpStage.Mail, command, Options.CommandTimeout);

    /// <summary>What came unasked between transactions says nothing of what was to be done next: it is temporary, whatever it is.</summary>
    private static SmtpResult Idle(SmtpStage stage, in Heard heard) => SmtpResult.Of(stage, heard) with { Verdict = SmtpVerdict.Temporary };

    private async ValueTask<SmtpResult> HelloAsync()
    {
        var answer = await AskAsync(SmtpStage.Hello, $"EHLO {Options.HelloName}", Options.CommandTimeout, ReplyForm.Extensions);
        if (answer.IsAccepted)
        {
            Capabilities = SmtpCapabilities.Read(_replies.Extensions);
            return answer;
        }

        // RFC 5321 §3.2: a server that does not know EHLO is asked by HELO.
        return answer is { Verdict: SmtpVerdict.Permanent, Cause: SmtpCause.Reply }
            ? await AskAsync(SmtpStage.Hello, $"HELO {Options.HelloName}", Options.CommandTimeout)
            : answer;
    }

    /// <summary>The handshake; null: it is done, and nothing is known of the server (RFC 3207 §4.2).</summary>
    private async ValueTask<SmtpResult?> SecureAsync(TlsClientPolicy policy)
    {
        (Tls, var failure) = await Channel.StartTlsAsync(policy, Options.HandshakeTimeout);
        Capabilities = SmtpCapabilities.None;
        if (failure is null)
        {
            return null;
        }

        var cause = Channel.IsShuttingDown ? SmtpCause.Aborted : SmtpCause.TlsFailed;
        End(cause, failure.Text);
        return SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.StartTls, cause, PeerReply.Clean(Encoding.UTF8.GetBytes(failure.Text))) with { Tls = failure };
    }
}
