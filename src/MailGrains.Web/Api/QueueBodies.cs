using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;

namespace MailGrains.Web.Api;

/// <summary>An operator's order for queues.</summary>
/// <param name="Reason">Why; it must be said.</param>
/// <param name="Until">For suspend, route and hold: when it ends by itself; null: not before it is taken back.</param>
/// <param name="By">Who; "operator" where nothing is said.</param>
/// <param name="Messages">For retry, drop, hold and release: these messages only.</param>
/// <param name="Sender">For retry, drop, hold and release: messages of this reverse-path, or of *@domain, or &lt;&gt;, only.</param>
/// <param name="TellSender">For drop: the senders get a delivery report.</param>
/// <param name="Host">For route: a name or an address; null: as usual again.</param>
/// <param name="Port">For route; 25 where nothing is said.</param>
internal sealed record QueueOrderBody(
    string? Reason = null, DateTimeOffset? Until = null, string? By = null, string[]? Messages = null, string? Sender = null, bool TellSender = false,
    string? Host = null, int? Port = null);

/// <param name="Queues">To how many it was given.</param>
/// <param name="Messages">How many messages it met.</param>
internal sealed record QueueOrderView(int Queues, long Messages);

internal sealed record MarkView(string By, string Reason, DateTimeOffset? Until)
{
    public static MarkView? Of(QueueMark? mark) => mark is null ? null : new MarkView(mark.By, mark.Reason, mark.Until);
}

internal sealed record QueueRouteView(string Host, int Port, string By, string Reason, DateTimeOffset? Until)
{
    public static QueueRouteView? Of(QueueRoute? route) =>
        route is null ? null : new QueueRouteView(route.Host, route.Port, route.Mark.By, route.Mark.Reason, route.Mark.Until);
}

/// <param name="Oldest">When the oldest message was received.</param>
/// <param name="NextAttempt">Null: nothing waits for a time.</param>
/// <param name="LastReply">What the last attempt that failed was told.</param>
/// <param name="AsOf">When it was so.</param>
internal sealed record QueueView(
    string Tenant, string Domain, int Messages, int Held, int InProgress, DateTimeOffset? Oldest, DateTimeOffset? NextAttempt, string? LastReply,
    MarkView? Suspended, QueueRouteView? Route, DateTimeOffset AsOf)
{
    public static QueueView Of(QueueOverview queue) => new(
        queue.Queue.Tenant, queue.Queue.Domain, queue.Messages, queue.Held, queue.InProgress, queue.Oldest, queue.NextAttempt, queue.LastReply,
        MarkView.Of(queue.Suspended), QueueRouteView.Of(queue.Route), queue.AsOf);
}

/// <param name="Complete">False: there are more queues than are counted.</param>
internal sealed record QueueTotalsView(int Queues, int Suspended, long Messages, long Held, DateTimeOffset? Oldest, bool Complete);

/// <param name="Totals">Of all pages; on the first one only.</param>
/// <param name="Next">Pass as <c>after</c> for the next page; null at the end.</param>
internal sealed record QueueListView(IReadOnlyList<QueueView> Items, string? Next, QueueTotalsView? Totals);

/// <param name="Sender">The reverse-path; empty: the null reverse-path.</param>
/// <param name="Recipients">Those that wait.</param>
/// <param name="State">waiting, inProgress, held, or reporting: its sender is to be told.</param>
/// <param name="Hold">Who holds it, when an operator does.</param>
/// <param name="Submitter">The account that sent it; null: it came from outside, or is our own.</param>
internal sealed record QueuedMessageView(
    string Id, string TraceId, string Sender, IReadOnlyList<string> Recipients, long Bytes, DateTimeOffset Received, DateTimeOffset NextAttempt,
    DateTimeOffset Expires, int Attempts, string State, string? LastReply, MarkView? Hold, string? Submitter)
{
    public static QueuedMessageView Of(QueuedEntry entry) => new(
        entry.Email.ToString(), entry.TraceId, entry.ReversePath, entry.Recipients, entry.Bytes, entry.ReceivedAt, entry.NextAttempt, entry.Expires,
        entry.Attempts, StateOf(entry.State), entry.LastReply, MarkView.Of(entry.Hold), entry.Submitter);

    /// <exception cref="ApiException">It is no id.</exception>
    public static EmailId IdOf(string? text, string what)
    {
        try
        {
            return EmailId.Parse(text ?? "");
        }
        catch (FormatException)
        {
            throw new ApiException(Microsoft.AspNetCore.Http.StatusCodes.Status400BadRequest, $"{what} is no message's id.");
        }
    }

    private static string StateOf(QueuedEntryState state) => state switch
    {
        QueuedEntryState.InProgress => "inProgress",
        QueuedEntryState.Held => "held",
        QueuedEntryState.Reporting => "reporting",
        _ => "waiting",
    };
}
