using System.Collections.Immutable;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>How far a connection has brought an attempt.</summary>
internal enum AttemptStep
{
    /// <summary>Every recipient has its outcome.</summary>
    Done = 1,

    /// <summary>What is left may be shown to another host (RFC 5321 §5.1).</summary>
    NextHost = 2,

    /// <summary>The connection had been closed before; that says nothing of the mail.</summary>
    OtherConnection = 3,

    /// <summary>The attempt is not, or not surely, the message's latest.</summary>
    NotOurs = 4,

    /// <summary>We had to stop; nothing was taken.</summary>
    Aborted = 5,
}

/// <summary>One attempt to send a message, with what its recipients have been told so far. Ends with exactly one report.</summary>
internal sealed class Attempt
{
    private readonly QueuePort _port;
    private readonly List<int> _left;
    private readonly List<RecipientOutcome> _outcomes = [];

    /// <summary>What the last host said of those that are left, should there be no other.</summary>
    private readonly Dictionary<int, RecipientOutcome> _answers = [];

    /// <summary>Hosts that offer less than the message needs.</summary>
    private readonly HashSet<string> _lacking = [];
    private bool _isLackedByAll;
    private bool _isUncertain;
    private bool _isReported;

    public Attempt(QueuePort port, RelayMessage order, bool isUrgent)
    {
        (_port, Order, IsUrgent) = (port, order, isUrgent);
        _left = [.. order.Recipients];
        Content = new MessageContent(order, port.Blobs);
    }

    public RelayMessage Order { get; }

    public QueuedMessage Message => Order.Message;

    public QueueId Queue => _port.Id;

    public bool IsUrgent { get; }

    public int InlineBytes => Message.Body.Inline?.Length ?? 0;

    /// <summary>Hosts that have seen it; those that only showed what they lack do not count.</summary>
    public int Sessions { get; private set; }

    /// <summary>It waits for a site that has not answered yet; the sender's.</summary>
    public bool IsUnproven { get; set; }

    /// <summary>What the last connection showed of the site as a whole: it closed in the middle (421), or did not go on; null: nothing.</summary>
    public string? SiteFault { get; private set; }

    private MessageContent Content { get; }

    /// <summary>The first host of its site that it is to be shown to: behind those that lack what it needs.</summary>
    public int FirstHost(RelayTarget target)
    {
        var last = target.Hosts.Length - 1;
        while (last >= 0 && !_lacking.Contains(target.Hosts[last].Host.Name))
        {
            last--;
        }

        return (last + 1) % target.Hosts.Length;
    }

    /// <summary>Sends to all that are left, in one transaction or more.</summary>
    /// <param name="target">What the server is of.</param>
    /// <param name="aborted">The connection is to be closed.</param>
    public async ValueTask<AttemptStep> SendAsync(ServerConnection server, RelayTarget target, CancellationToken aborted)
    {
        SiteFault = null;
        var (form, refusal) = await Content.FormAsync(server.Smtp.Capabilities, aborted);
        if (aborted.IsCancellationRequested)
        {
            return AttemptStep.Aborted;
        }

        if (form is null)
        {
            // Another host may take more: it is final once none is left that could, and none is only out of reach.
            _lacking.Add(server.Host);
            _isLackedByAll = target.Hosts.All(host => _lacking.Contains(host.Host.Name)) && !target.Skipped.Any(host => host.MayComeBack);
            _left.ForEach(recipient => _answers[recipient] = refusal! with { Recipient = recipient, Host = server.Host });
            return AttemptStep.NextHost;
        }

        var isFirst = true;
        while (_left.Count > 0)
        {
            var reversePath = ReversePathOf(_left[0]);
            var group = _left.FindAll(recipient => ReversePathOf(recipient) == reversePath);
            var isUsed = server.Smtp.Mails > 0;
            var result = await server.Smtp.SendAsync(Content.Mail(form, reversePath, group, MayEndAsync));
            if (isFirst && isUsed && IsStale(result.Recipients[0]))
            {
                return AttemptStep.OtherConnection;
            }

            Sessions += isFirst ? 1 : 0;
            isFirst = false;
            if (Take(server, group, result) is { } step)
            {
                return step;
            }
        }

        return AttemptStep.Done;
    }

    /// <summary>Those without an outcome get one that is temporary: another host could not be reached, whatever the last one said.</summary>
    public void Finish(SmtpResult failure, string? host)
    {
        foreach (var recipient in _left)
        {
            _outcomes.Add(Outcomes.AsTemporary(_answers.GetValueOrDefault(recipient) ?? Outcomes.Of(recipient, failure, hasDsn: false, host)));
        }

        _left.Clear();
    }

    public void Finish(DestinationFailure failure) => FinishAll(recipient => Outcomes.Of(recipient, failure));

    public void FinishAll(Func<int, RecipientOutcome> outcome)
    {
        _outcomes.AddRange(_left.Select(outcome));
        _left.Clear();
    }

    /// <summary>Reports the outcomes; those that have none are deferred.</summary>
    public void Report(DateTimeOffset? siteUntil = null, DateTimeOffset? retryAt = null)
    {
        foreach (var recipient in _left)
        {
            _outcomes.Add(AnswerOf(recipient) ?? new(recipient, OutcomeKind.Deferred, 0, "4.3.0", "the attempt was not finished", null));
        }

        End(new RelayReport(Message.Email, Order.Attempt, RelayStatus.Tried, [.. _outcomes])
        {
            IsUncertain = _isUncertain,
            SiteUntil = siteUntil,
            RetryAt = retryAt,
        });
        _left.Clear();
    }

    /// <summary>Nothing was tried; where something was, the rest is deferred.</summary>
    public void ReportNotTried(string reason, DateTimeOffset? siteUntil, DateTimeOffset? retryAt = null)
    {
        if (_outcomes.Count > 0 || _isUncertain)
        {
            Report(siteUntil, retryAt);
            return;
        }

        End(new RelayReport(Message.Email, Order.Attempt, RelayStatus.NotTried, []) { Reason = reason, SiteUntil = siteUntil, RetryAt = retryAt });
    }

    public void ReportHeld(string reason) => End(new RelayReport(Message.Email, Order.Attempt, RelayStatus.Held, []) { Reason = reason });

    /// <summary>What the last host said, where another was to be asked: for good only where all lack something.</summary>
    private RecipientOutcome? AnswerOf(int recipient) =>
        _answers.GetValueOrDefault(recipient) is { } answer ? _isLackedByAll ? answer : Outcomes.AsTemporary(answer) : null;

    private void End(RelayReport report)
    {
        if (!_isReported)
        {
            _isReported = true;
            _port.End(this, report);
        }
    }

    private AttemptStep? Take(ServerConnection server, List<int> group, SmtpSendResult result)
    {
        _isUncertain |= result.Uncertain;
        var hasDsn = server.Smtp.Capabilities.Dsn;
        var (isProgress, step) = (false, (AttemptStep?)null);
        for (var i = 0; i < group.Count; i++)
        {
            var (recipient, one) = (group[i], result.Recipients[i]);
            var outcome = Outcomes.Of(recipient, one, hasDsn, server.Host);
            SiteFault ??= one is { Cause: SmtpCause.TimedOut } or { Reply.ClosesConnection: true } ? $"{server.Host}: {one.Text}" : null;
            if (one.Cause == SmtpCause.NotAllowed)
            {
                step = AttemptStep.NotOurs;
            }
            else if (one.Cause == SmtpCause.Aborted && !(result.Uncertain && one.Stage == SmtpStage.EndOfData))
            {
                step ??= AttemptStep.Aborted;
            }
            else if (one.MayGoAtOnce || IsOfHost(one))
            {
                _answers[recipient] = outcome;
                step ??= one.MayGoAtOnce ? null : AttemptStep.NextHost;
            }
            else
            {
                _outcomes.Add(outcome);
                _left.Remove(recipient);
                isProgress = true;
            }
        }

        return step ?? (!isProgress ? AttemptStep.NextHost : _left.Count > 0 && !server.Smtp.IsUsable ? AttemptStep.OtherConnection : null);
    }

    /// <summary>The server closed the connection while it was not used (RFC 5321 §3.8).</summary>
    private static bool IsStale(SmtpResult result) =>
        result.Stage == SmtpStage.Mail && (result.Cause == SmtpCause.ConnectionLost || result is { Cause: SmtpCause.Reply, Reply.ClosesConnection: true });

    /// <summary>It says something of the host, and nothing for good: the connection, 421, or an answer to MAIL.</summary>
    private static bool IsOfHost(SmtpResult result) =>
        result is { Verdict: SmtpVerdict.Temporary, Stage: < SmtpStage.EndOfData } &&
        (result.Cause is SmtpCause.ConnectionLost or SmtpCause.TimedOut or SmtpCause.BadReply ||
            (result.Cause == SmtpCause.Reply && (result.Stage == SmtpStage.Mail || result.Reply!.ClosesConnection)));

    private ValueTask<bool> MayEndAsync(CancellationToken cancellationToken) => _port.ClaimAsync(this, cancellationToken);

    private string ReversePathOf(int recipient) => Message.Recipients[recipient].ReversePath ?? Message.ReversePath;
}
