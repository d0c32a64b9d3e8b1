namespace MailGrains.Protocols.Smtp.Client;

/// <summary>
/// One mail on its way: RSET where the last one needs it, MAIL, RCPT for each recipient, and DATA, in groups where the server takes pipelining (RFC 2920),
/// else one by one; then the content. A recipient without a result is one that nothing stands against yet; what ends the transaction is the result of
/// all of those.
/// </summary>
internal sealed class Transaction
{
    /// <summary>
    /// Commands of a group. Their replies must find room on the way while we write (RFC 2920 §3.1), and so many do, whatever the buffers.
    /// </summary>
    private const int GroupCommands = 64;

    /// <summary>RFC 5321 §4.5.3.1.8: so many a server must take.</summary>
    private const int UsualRecipients = 100;

    private readonly SmtpClientConnection _connection;
    private readonly OutgoingMail _mail;
    private readonly Envelope _envelope;
    private readonly bool _pipelines;
    private readonly bool _chunks;
    private readonly SmtpResult?[] _results;

    /// <summary>Indexes of the recipients that are asked.</summary>
    private readonly List<int> _asked = [];
    private int _accepted;
    private SmtpResult? _failure;
    private bool _wantsContent;

    public Transaction(SmtpClientConnection connection, OutgoingMail mail)
    {
        _connection = connection;
        _mail = mail;
        _envelope = new Envelope(mail, connection);
        _pipelines = connection.Capabilities.Pipelining && connection.Options.UsesPipelining;
        _chunks = connection.Capabilities.Chunking && connection.Options.UsesChunking;
        _results = new SmtpResult?[mail.Recipients.Count];
    }

    private enum Step
    {
        Reset,
        Mail,
        Rcpt,
        Data,
    }

    public async ValueTask<SmtpSendResult> RunAsync()
    {
        if (_envelope.Refuse() is { } refusal)
        {
            return All(refusal, uncertain: false);
        }

        ChooseRecipients();
        if (_asked.Count == 0)
        {
            return All(SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.Mail, SmtpCause.NotAsked, "no recipients"), uncertain: false);
        }

        _connection.CountMail();
        await AgreeAsync();
        if (_failure is null && _accepted > 0)
        {
            var (result, uncertain) = await new ContentSender(_connection, _mail, _pipelines).SendAsync(_chunks);
            _connection.NeedsReset = !result.IsAccepted;
            return All(result, uncertain);
        }

        if (_wantsContent)
        {
            // RFC 2920 §3.1: DATA was accepted although nobody is to have the mail; an empty one ends it, whatever is said to that.
            _connection.Write(".");
            await _connection.HearAsync(ReplyForm.Plain, _connection.Options.DataTimeout);
        }

        _connection.NeedsReset = true;
        return All(_failure ?? NotReached(), uncertain: false);
    }

    private static SmtpResult NotReached() => SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.Rcpt, SmtpCause.NotAsked, "not asked");

    private void ChooseRecipients()
    {
        var limits = _connection.Capabilities.MaxRecipients ?? UsualRecipients;
        var most = Math.Min(limits, _connection.Options.MaxRecipients);
        for (var i = 0; i < _results.Length; i++)
        {
            _results[i] = _envelope.Refuse(_mail.Recipients[i]);
            if (_results[i] is null && _asked.Count == most)
            {
                _results[i] = NotReached();
            }
            else if (_results[i] is null)
            {
                _asked.Add(i);
            }
        }
    }

    /// <summary>Everything up to the content, command and reply in the same order.</summary>
    private async ValueTask AgreeAsync()
    {
        var first = _connection.NeedsReset ? 0 : 1;
        var total = _asked.Count + (_chunks ? 2 : 3);
        var written = first;
        for (var heard = first; heard < written || MayWriteMore(written, total); heard++)
        {
            if (heard == written)
            {
                written = WriteGroup(written, total);
            }

            var (step, recipient) = At(heard);
            var answer = await _connection.HearAsync(ReplyForm.Plain, step == Step.Data ? _connection.Options.DataTimeout : _connection.Options.CommandTimeout);
            if (answer.Reply is null or { ClosesConnection: true })
            {
                _failure ??= SmtpResult.Of(StageOf(step), answer);
                return;
            }

            Take(step, recipient, answer.Reply);
        }
    }

    private bool MayWriteMore(int written, int total) =>
        _failure is null && written < total && (At(written).Step != Step.Data || _accepted > 0);

    private int WriteGroup(int from, int total)
    {
        var end = Math.Min(total, from + (_pipelines ? GroupCommands : 1));
        for (var at = from; at < end; at++)
        {
            var (step, recipient) = At(at);
            _connection.Write(step switch
            {
                Step.Reset => "RSET",
                Step.Mail => _envelope.Mail(),
                Step.Rcpt => _envelope.Rcpt(_mail.Recipients[recipient]),
                _ => "DATA",
            });
        }

        return end;
    }

    private (Step Step, int Recipient) At(int command) => command switch
    {
        0 => (Step.Reset, -1),
        1 => (Step.Mail, -1),
        _ when command - 2 < _asked.Count => (Step.Rcpt, _asked[command - 2]),
        _ => (Step.Data, -1),
    };

    private static SmtpStage StageOf(Step step) => step switch
    {
        Step.Rcpt => SmtpStage.Rcpt,
        Step.Data => SmtpStage.Data,
        _ => SmtpStage.Mail,
    };

    private void Take(Step step, int recipient, PeerReply reply)
    {
        // RFC 5321 §4.3.2: 3yz to DATA, and nothing else of success; 3yz to nothing else.
        if (reply.IsIntermediate != (step == Step.Data && reply.Code < 400))
        {
            _failure ??= SmtpResult.Of(StageOf(step), _connection.EndOutOfStep(reply));
            return;
        }

        switch (step)
        {
            case Step.Rcpt when _failure is null:
                TakeRecipient(recipient, reply);
                break;
            case Step.Data when reply.IsIntermediate:
                _wantsContent = true;
                break;
            case Step.Reset when !reply.IsPositive:
                // What the server still has open would get this mail's recipients.
                _failure = SmtpResult.Of(SmtpStage.Mail, _connection.EndOutOfStep(reply));
                break;
            case Step.Mail or Step.Data when !reply.IsPositive && (step == Step.Mail || _accepted > 0):
                _failure ??= SmtpResult.Of(StageOf(step), reply);
                break;
            default:
                break;
        }
    }

    private void TakeRecipient(int recipient, PeerReply reply)
    {
        if (reply.IsPositive)
        {
            _accepted++;
            return;
        }

        var result = SmtpResult.Of(SmtpStage.Rcpt, reply);
        if (reply.Code is 452 or 552)
        {
            // RFC 5321 §4.5.3.1.10: 552 is meant as 452 here, and what has no room in this transaction may have it in the next.
            var isForRoom = _accepted > 0 && (reply.EnhancedCode.IsNone || reply.EnhancedCode == new EnhancedCode(5, 3));
            result = result with { Verdict = SmtpVerdict.Temporary, Cause = isForRoom ? SmtpCause.TooManyRecipients : SmtpCause.Reply };
        }

        _results[recipient] = result;
    }

    private SmtpSendResult All(SmtpResult result, bool uncertain)
    {
        var all = new SmtpResult[_results.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = _results[i] ?? result;
        }

        return new SmtpSendResult(all, uncertain);
    }
}
