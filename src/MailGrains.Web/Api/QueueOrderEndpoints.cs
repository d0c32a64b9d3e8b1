using System.Net;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Queues;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Api;

/// <summary>
/// What operators order: for one queue, or for all that a tenant has in the list. Each says why; each can be repeated. A tenant's queues that are made
/// later, and those that have nothing to send, do not hear of an order for the whole tenant.
/// </summary>
internal static class QueueOrderEndpoints
{
    private const string DefaultBy = "operator";
    private const int MaxMessages = 1_000;
    private const int MaxSenderChars = 320;
    private const int QueuesAtOnce = 16;
    private const int SmtpPort = 25;

    private static readonly (string Name, QueueOrderKind Kind, string Summary)[] Orders =
    [
        ("suspend", QueueOrderKind.Suspend, "Starts nothing until it is resumed, or until a time"),
        ("resume", QueueOrderKind.Resume, "Ends a suspension"),
        ("retry", QueueOrderKind.Retry, "Tries what waits now, whatever back-off there is"),
        ("drop", QueueOrderKind.Drop, "Ends messages without another attempt; those under way stay"),
        ("route", QueueOrderKind.Route, "Sends mail to another host until a time, or as usual again"),
        ("hold", QueueOrderKind.Hold, "Keeps messages until they are released, or until a time"),
        ("release", QueueOrderKind.Release, "Lets held messages go"),
    ];

    public static void Map(RouteGroupBuilder queues)
    {
        foreach (var (name, kind, summary) in Orders)
        {
            var verb = char.ToUpperInvariant(name[0]) + name[1..];
            queues.MapPost($"/{{domain}}/{name}", (HttpContext context, IGrainFactory grains, TimeProvider time, string tenant, string domain) =>
                OrderOneAsync(context, grains, time, tenant, domain, kind)).DescribeOrder($"{verb}Queue", $"A queue: {Lower(summary)}");
            queues.MapPost($"/{name}", (HttpContext context, IGrainFactory grains, TimeProvider time, string tenant) =>
                OrderAllAsync(context, grains, time, tenant, kind)).DescribeOrder($"{verb}Queues", $"All queues of a tenant: {Lower(summary)}");
        }
    }

    private static async Task<IResult> OrderOneAsync(
        HttpContext context, IGrainFactory grains, TimeProvider time, string tenant, string domain, QueueOrderKind kind)
    {
        var order = await ReadAsync(context, kind, time);
        return await QueueEndpoints.FindAsync(grains, tenant, domain, context.RequestAborted) is { } shards
            ? TypedResults.Ok(new QueueOrderView(1, await GiveAsync(shards, order, context.RequestAborted)))
            : QueueEndpoints.NoTenant();
    }

    private static async Task<IResult> OrderAllAsync(HttpContext context, IGrainFactory grains, TimeProvider time, string tenant, QueueOrderKind kind)
    {
        var name = PathNames.Tenant(tenant);
        var order = await ReadAsync(context, kind, time);
        if (!await QueueEndpoints.HasTenantAsync(grains, name, context.RequestAborted))
        {
            return QueueEndpoints.NoTenant();
        }

        var (queues, messages) = (0, 0L);
        var catalog = grains.GetGrain<IQueueCatalogGrain>(0);
        QueueId? after = null;
        do
        {
            var page = await catalog.ListAsync(new QueueFilter(name, null), after, QueueList.MaxLimit, context.RequestAborted);
            foreach (var group in page.Queues.Chunk(QueuesAtOnce))
            {
                var met = await Task.WhenAll(group.Select(async queue => await GiveAsync(
                    await QueueEndpoints.ShardsAsync(grains, name, queue.Queue.Domain, context.RequestAborted), order, context.RequestAborted)));
                (queues, messages) = (queues + met.Length, messages + met.Sum());
            }

            after = page.Next;
        }
        while (after is not null);

        return TypedResults.Ok(new QueueOrderView(queues, messages));
    }

    private static async Task<long> GiveAsync(IReadOnlyList<IDomainQueueGrain> shards, QueueOrder order, CancellationToken cancellationToken) =>
        (await Task.WhenAll(shards.Select(shard => shard.OrderAsync(order, cancellationToken).AsTask()))).Sum(met => (long)met);

    private static async ValueTask<QueueOrder> ReadAsync(HttpContext context, QueueOrderKind kind, TimeProvider time)
    {
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.QueueOrderBody, new QueueOrderBody());
        var mark = MarkOf(body, time);
        var isLasting = kind is QueueOrderKind.Suspend or QueueOrderKind.Route or QueueOrderKind.Hold;
        var isByMessage = kind is QueueOrderKind.Retry or QueueOrderKind.Drop or QueueOrderKind.Hold or QueueOrderKind.Release;
        var misplaced =
            body.Until is not null && !isLasting ? "until"
            : body.Messages is not null && !isByMessage ? "messages"
            : body.Sender is not null && !isByMessage ? "sender"
            : body.TellSender && kind != QueueOrderKind.Drop ? "tellSender"
            : body.Host is not null && kind != QueueOrderKind.Route ? "host"
            : body.Port is not null && body.Host is null ? "port"
            : null;
        return misplaced is not null
            ? throw Malformed($"{misplaced} means nothing here.")
            : new QueueOrder(kind, mark)
            {
                Messages = [.. MessagesOf(body).Select(id => QueuedMessageView.IdOf(id, "A member of messages"))],
                Sender = SenderOf(body.Sender),
                TellsSender = body.TellSender,
                Route = body.Host is null ? null : new QueueRoute(HostOf(body.Host), PortOf(body.Port), mark),
            };
    }

    private static QueueMark MarkOf(QueueOrderBody body, TimeProvider time) =>
        body.Reason?.Trim() is not { Length: > 0 and <= QueueMark.MaxReasonLength } reason ? throw Malformed($"reason is to say why, in 1 to {QueueMark.MaxReasonLength} characters.")
        : body.By?.Length > QueueMark.MaxByLength ? throw Malformed($"by has at most {QueueMark.MaxByLength} characters.")
        : body.Until <= time.GetUtcNow() ? throw Malformed("until is over.")
        : new QueueMark(string.IsNullOrWhiteSpace(body.By) ? DefaultBy : body.By.Trim(), reason, body.Until);

    // An empty list is no way to say "all".
    private static string[] MessagesOf(QueueOrderBody body) => body.Messages is null ? []
        : body.Messages.Length is > 0 and <= MaxMessages ? body.Messages
        : throw Malformed($"messages has 1 to {MaxMessages} ids.");

    private static string? SenderOf(string? sender)
    {
        if (sender is null or "<>")
        {
            return sender is null ? null : "";
        }

        var at = sender.LastIndexOf('@');
        return at > 0 && at < sender.Length - 1 && sender.Length <= MaxSenderChars && QueueId.TryNormalizeDomain(sender[(at + 1)..], out _)
            ? sender
            : throw Malformed("sender is an address, *@domain, or <>.");
    }

    private static string HostOf(string host) =>
        IPAddress.TryParse(host, out var address) && !host.Contains('%', StringComparison.Ordinal) ? address.ToString()
        : QueueId.TryNormalizeDomain(host, out var name) ? name
        : throw Malformed("host is a name or an address.");

    private static int PortOf(int? port) => port is null or (> 0 and <= ushort.MaxValue) ? port ?? SmtpPort : throw Malformed("port is 1 to 65535.");

    private static ApiException Malformed(string detail) => new(StatusCodes.Status400BadRequest, detail);

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];
}
