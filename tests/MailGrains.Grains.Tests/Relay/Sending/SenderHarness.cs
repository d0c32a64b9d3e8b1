using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using System.Text;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Relay.Destinations;
using MailGrains.Grains.Relay.Destinations.Reports;
using MailGrains.Grains.Relay.Limits;
using MailGrains.Grains.Relay.Routing;
using MailGrains.Grains.Relay.Sending;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Storage;
using MailGrains.Storage.Blobs;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Dns;
using MailGrains.Testing.Metrics;
using MailGrains.Testing.Smtp;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>A sender with a DNS server, queues and limits of the test's own; mail servers are on loopback, and time stands still unless a test lets it run.</summary>
internal sealed class SenderHarness : IAsyncDisposable
{
    private readonly ConcurrentDictionary<QueueId, FakeQueue> _queues = new();
    private readonly ConcurrentDictionary<string, DestinationSite> _sites = new();
    private readonly MeasuredMeters _meters = new();
    private readonly Guid _epoch = Guid.NewGuid();
    private long _renewed;
    private DestinationLookup? _lookup;
    private RelaySender? _sender;

    public FakeTimeProvider Time { get; } = new(DateTimeOffset.UtcNow);

    public DnsServer Dns { get; } = DnsServer.Start();

    public RelayOptions Options { get; set; } = new() { Smtp = new SmtpClientOptions { HelloName = "us.test" } };

    public MailGrains.Grains.Relay.Destinations.DestinationOptions Destinations { get; set; } =
        new() { AllowLoopback = true, StsPolicies = false, PreferIPv6 = false };

    public MailGrains.Grains.Relay.Limits.DestinationOptions Limits { get; set; } = new();

    public HashSet<string> Backups { get; } = [];

    public IBlobStore? Blobs { get; set; }

    /// <summary>The limits can't be asked for.</summary>
    public bool AreLimitsDown { get; set; }

    public RelayAlarms Alarms => field ??= new RelayAlarms(Time);

    public TlsReports Reports => field ??= new TlsReports(Time);

    public RelaySender Sender => _sender ??= Open();

    /// <summary>The limits know that a site failed.</summary>
    public bool IsSiteLeftAlone => _sites.Values.Any(site => site.Condition == DestinationCondition.BackOff);

    /// <summary>Since the limits were asked for last.</summary>
    public TimeSpan SinceRenewal => Time.GetElapsedTime(Volatile.Read(ref _renewed));

    /// <summary>A domain whose MX are at these servers, the first before the others; all have the same port, and addresses of their own.</summary>
    public void AddDomain(string domain, params MailServer[] servers)
    {
        Options = Options with { Port = servers[0].Port };
        for (var i = 0; i < servers.Length; i++)
        {
            Dns.Add(domain, DnsType.Mx, $"{10 * (i + 1)} mx{i}.{domain}");
            Dns.Add($"mx{i}.{domain}", DnsType.A, servers[i].EndPoint.Address.ToString());
        }
    }

    public FakeQueue Queue(string domain, string tenant = "tenant") => Queue(new QueueId(tenant, 0, domain, 0));

    public FakeQueue Queue(QueueId id) => _queues.GetOrAdd(id, queue => new FakeQueue(queue));

    public int Take(FakeQueue queue, params RelayMessage[] messages) => Sender.Take(new RelayJob(queue.Id, [.. messages], null)).Count;

    /// <summary>Gives a message to the sender and waits for its report.</summary>
    public async Task<RelayReport> SendAsync(FakeQueue queue, RelayMessage message, QueueRoute? route = null)
    {
        Assert.Equal(1, Sender.Take(new RelayJob(queue.Id, [message], route)).Count);
        return await queue.ReportOfAsync(message);
    }

    /// <summary>As <see cref="SendAsync"/>, and time runs.</summary>
    public async Task<RelayReport> SendWhileTimeRunsAsync(FakeQueue queue, RelayMessage message, TimeSpan step)
    {
        var report = SendAsync(queue, message);
        await RunTimeAsync(() => report.IsCompleted, step);
        return await report;
    }

    /// <summary>Lets the clock run until something is so; each step leaves a moment for what is under way.</summary>
    public async Task RunTimeAsync(Func<bool> isSo, TimeSpan step)
    {
        for (var turns = 0; !isSo(); turns++)
        {
            Assert.True(turns < 4_000, "It never came to be.");
            Time.Advance(step);
            await Task.Delay(5);
        }
    }

    /// <summary>Waits for what comes by itself.</summary>
    public static async Task UntilAsync(Func<bool> isSo)
    {
        for (var turns = 0; !isSo(); turns++)
        {
            Assert.True(turns < 10_000, "It never came to be.");
            await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_sender is not null)
        {
            var stopping = _sender.StopAsync();
            await RunTimeAsync(() => stopping.IsCompleted, TimeSpan.FromSeconds(1));
            await stopping;
            Assert.Equal(0, _sender.Messages);
            await _sender.DisposeAsync();
        }

        _lookup?.Dispose();
        await Dns.DisposeAsync();
        _meters.Dispose();
        Assert.All(_queues.Values, queue => Assert.Empty(queue.Doubled));
    }

    private RelaySender Open()
    {
        var accounts = new StorageAccounts([new StorageAccount(0, null!, Blobs!)], null!);
        _lookup = new DestinationLookup(Destinations with { DnsServers = [Dns.EndPoint], Port = Options.Port }, accounts, Reports, Time, NullLoggerFactory.Instance);
        var metrics = new RelayMetrics(_meters, Alarms);
        var leases = new DestinationLeases(RenewAsync, Limits, Time, NullLogger<DestinationLeases>.Instance, "silo");
        return new RelaySender(
            Options, new RelayRouting(Options.Routes, _lookup, Limits.SourcesOf, Options, (domain, _) => new(Backups.Contains(domain))),
            new SiteConnector(Options, Destinations.Roots, Reports, metrics, Alarms, Time), leases, new BodyBlobs(accounts, Time), metrics, Queue,
            SiloAddress.New(IPAddress.Loopback, 1, 1), Time,
            NullLogger<RelaySender>.Instance);
    }

    private ValueTask<LeaseReply> RenewAsync(string key, LeaseAsk ask)
    {
        if (AreLimitsDown)
        {
            throw new TimeoutException("no answer");
        }

        var now = TimeSpan.FromTicks(Time.GetTimestamp() / (Time.TimestampFrequency / TimeSpan.TicksPerSecond));
        var site = _sites.GetOrAdd(key, _ => new DestinationSite(Limits.LimitsOf(key), Limits, _epoch, TimeSpan.Zero, new Random(1)));
        lock (site)
        {
            Volatile.Write(ref _renewed, Time.GetTimestamp());
            return new(site.Renew(ask, now, now, Time.GetUtcNow()));
        }
    }
}

/// <summary>A queue that takes note of what it is told.</summary>
internal sealed class FakeQueue(QueueId id) : IDomainQueueGrain
{
    private readonly ConcurrentDictionary<(EmailId, int), TaskCompletionSource<RelayReport>> _reports = new();
    private int _failures;

    public QueueId Id => id;

    public Func<EmailId, bool> Owns { get; set; } = _ => true;

    /// <summary>Reports that came more than once.</summary>
    public ConcurrentBag<RelayReport> Doubled { get; } = [];

    public ConcurrentBag<int> Batches { get; } = [];

    /// <summary>Held until it is completed.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public RelayMessage Message(params string[] recipients) => Message(null, recipients);

    public RelayMessage Message(Func<QueuedMessage, QueuedMessage>? change, params string[] recipients) =>
        Message("Subject: hello\r\n\r\n.hi\r\n", change, recipients);

    public RelayMessage Message(string text, Func<QueuedMessage, QueuedMessage>? change, params string[] recipients)
    {
        var content = Encoding.UTF8.GetBytes(text);
        var now = DateTimeOffset.UtcNow;
        var email = EmailId.New(now);
        var message = new QueuedMessage(
            email, email.ToString(), "ann@us.test",
            [.. (recipients.Length == 0 ? ["bob"] : recipients).Select(name => new QueuedRecipient($"{name}@{id.Domain}", DeliveryId.None))],
            "Received: from here\r\n"u8.ToArray(), new MessageBody(content.Length, content, null), new SummaryReader(new SummaryLimits()).Read(content).Encode(), 1, now);
        message = change?.Invoke(message) ?? message;
        return new RelayMessage(message, 1, [.. Enumerable.Range(0, message.Recipients.Length)], false);
    }

    /// <summary>What can't be reported.</summary>
    public Func<RelayReport, bool> Refuses { get; set; } = static _ => false;

    /// <summary>So many of the next reports fail.</summary>
    public void FailReports(int times) => _failures = times;

    public Task<RelayReport> ReportOfAsync(RelayMessage message) => Of(message.Message.Email, message.Attempt).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public ValueTask<bool> ClaimAsync(EmailId email, int attempt, SiloAddress sender, CancellationToken cancellationToken) => new(Owns(email));

    public async ValueTask ReportAsync(ImmutableArray<RelayReport> reports, CancellationToken cancellationToken)
    {
        if (Gate is { } gate)
        {
            await gate.Task;
        }

        if (reports.Any(Refuses) || Interlocked.Decrement(ref _failures) >= 0)
        {
            throw new TimeoutException("no answer");
        }

        Batches.Add(reports.Length);
        foreach (var report in reports)
        {
            if (!Of(report.Email, report.Attempt).TrySetResult(report))
            {
                Doubled.Add(report);
            }
        }
    }

    public ValueTask<EnqueueResult> EnqueueAsync(QueuedMessage message, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueueOverview> GetOverviewAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<QueuePage> ListAsync(EmailId? after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<int> OrderAsync(QueueOrder order, CancellationToken cancellationToken) => throw new NotSupportedException();

    public ValueTask<int> WakeAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    private TaskCompletionSource<RelayReport> Of(EmailId email, int attempt) =>
        _reports.GetOrAdd((email, attempt), _ => new TaskCompletionSource<RelayReport>(TaskCreationOptions.RunContinuationsAsynchronously));
}
