using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Smtp;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>
/// The clients of a service, without pause: they send mail that stays, mail that is collected and deleted, and mail for another server; and an operator asks
/// the admin API. A client that hears 421, or what POP3 has in its place, comes again with the same message; whatever else goes wrong is a failure.
/// </summary>
internal sealed class Traffic
{
    public const string Tenant = "acme";
    public const string OtherServer = "there.test";

    private const string Password = "while the ground moves";
    private const int Senders = 4;
    private const int MessagesASession = 25;
    private const int OtherBytes = 3_000;

    // The ledger counts from 1.
    private const int OthersFrom = 1_000_000;

    private readonly string[] _boxes = [.. Enumerable.Range(0, 6).Select(i => $"box{i}@roll.test")];
    private readonly Collector[] _collectors = [.. Enumerable.Range(0, 2).Select(i => new Collector($"read{i}@roll.test", Password))];
    private readonly ConcurrentDictionary<int, bool> _collectable = new();
    private readonly ConcurrentDictionary<int, bool> _relayed = new();
    private volatile bool _stopping;
    private int _others;
    private int _acknowledged;
    private int _sentAway;
    private int _asked;

    public Traffic() => Ledger = new Ledger(_boxes, Password);

    public Ledger Ledger { get; }

    /// <summary>How many mailboxes there are.</summary>
    public int Mailboxes => _boxes.Length + _collectors.Length;

    /// <summary>Messages that were answered 250.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Sessions that ended with 421, or with what POP3 has in its place.</summary>
    public int SentAway => Volatile.Read(ref _sentAway);

    /// <summary>Answers of the admin API.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public int Collected => _collectors.Sum(c => c.Collected);

    /// <summary>What clients met that they should not have.</summary>
    public ConcurrentQueue<string> Failures { get; } = new();

    /// <summary>Makes the mailboxes.</summary>
    public async Task PrepareAsync(Fleet fleet, CancellationToken cancellationToken)
    {
        using var admin = fleet.NewAdminClient();
        await admin.PutMailboxesAsync(Tenant, [.. _boxes, .. _collectors.Select(c => c.Address)], Password, cancellationToken);
    }

    public override string ToString() =>
        $"{Acknowledged} messages acknowledged, {Collected} collected, {SentAway} sessions sent away, {Asked} answers given by the API, {Failures.Count} failures";

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    /// <param name="keepsAlive">The operator's connection is used again and again, as long as the service lets it.</param>
    public async Task RunAsync(Fleet fleet, bool keepsAlive, CancellationToken cancellationToken)
    {
        _stopping = false;
        var balancer = fleet.Balancer;
        using var admin = new HttpClient
        {
            BaseAddress = new Uri($"http://{balancer.EndPoint("http")}/"),
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", fleet.ApiKey), ConnectionClose = !keepsAlive },
        };
        await Task.WhenAll([
            .. Enumerable.Range(0, Senders).Select(i => Task.Run(() => SendAsync(balancer.EndPoint("smtp"), i, cancellationToken), cancellationToken)),
            .. _collectors.Select(c => Task.Run(() => CollectAsync(c, balancer.EndPoint("pop3"), cancellationToken), cancellationToken)),
            Task.Run(() => AskAsync(admin, cancellationToken), cancellationToken)]);
    }

    /// <summary>Each client ends after what it is about.</summary>
    public void Stop() => _stopping = true;

    /// <summary>Waits until so much more has been done.</summary>
    public async Task ProgressAsync(int acknowledged, int collected, CancellationToken cancellationToken)
    {
        (acknowledged, collected) = (acknowledged + Acknowledged, collected + Collected);
        while (Acknowledged < acknowledged || Collected < collected)
        {
            await Task.Delay(50, cancellationToken);
        }
    }

    /// <summary>Nothing is lost, nothing is there twice, here and at the other server.</summary>
    public async Task VerifyAsync(HostProcess host, MailServer other, CancellationToken cancellationToken)
    {
        await Ledger.VerifyAllAsync(host, cancellationToken);
        foreach (var collector in _collectors)
        {
            await collector.VerifyAsync(host.Pop3, _collectable.Keys, cancellationToken);
        }

        while (_relayed.Keys.Except(Numbers(other)).Any())
        {
            await Task.Delay(50, cancellationToken);
        }

        var numbers = Numbers(other).ToList();
        Assert.Equal(numbers.Count, numbers.Distinct().Count());
    }

    /// <summary>The messages that a server has taken.</summary>
    public static IEnumerable<int> Numbers(MailServer server) =>
        server.Taken.Select(mail => TestMessage.Find(System.Text.Encoding.Latin1.GetBytes(mail.Content)).Number);

    private async Task SendAsync(IPEndPoint smtp, int client, CancellationToken cancellationToken)
    {
        for (Outgoing? pending = null; !_stopping;)
        {
            try
            {
                using var session = await SmtpSession.OpenAsync(smtp, cancellationToken);
                for (var i = 0; i < MessagesASession && !_stopping; i++)
                {
                    pending ??= Next(client);
                    if (!await SendAsync(session, pending, cancellationToken))
                    {
                        break;
                    }

                    pending = null;
                }

                if (pending is null)
                {
                    await session.QuitAsync(cancellationToken);
                }
            }
            catch (UnexpectedReplyException e) when (e.Reply.Code == 421)
            {
                Interlocked.Increment(ref _sentAway);
            }
            catch (IOException e)
            {
                Failures.Enqueue($"SMTP, message {pending?.Message.Number}: {e.Message}");
            }
        }
    }

    /// <summary>False: the session has ended, or goes no better.</summary>
    private async Task<bool> SendAsync(SmtpSession session, Outgoing outgoing, CancellationToken cancellationToken)
    {
        var reply = await session.SendAsync(outgoing.Message, outgoing.HandsOver, cancellationToken: cancellationToken);
        if (reply.Code == 250)
        {
            outgoing.Acknowledge();
            Interlocked.Increment(ref _acknowledged);
            return true;
        }

        if (reply.Code == 421)
        {
            Interlocked.Increment(ref _sentAway);
        }
        else
        {
            Failures.Enqueue($"SMTP, message {outgoing.Message.Number}: {reply.Text}");
        }

        return false;
    }

    private async Task CollectAsync(Collector collector, IPEndPoint pop3, CancellationToken cancellationToken)
    {
        while (!_stopping)
        {
            try
            {
                await collector.CollectAsync(pop3, cancellationToken);
            }
            catch (IOException e) when (e.Message.Contains("shutting down", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _sentAway);
            }
            catch (IOException e)
            {
                Failures.Enqueue($"POP3, {collector.Address}: {e.Message}");
            }
        }
    }

    private async Task AskAsync(HttpClient admin, CancellationToken cancellationToken)
    {
        while (!_stopping)
        {
            try
            {
                await admin.GetStringAsync(new Uri($"api/v1/tenants/{Tenant}/mailboxes", UriKind.Relative), cancellationToken);
                Interlocked.Increment(ref _asked);
            }
            catch (HttpRequestException e)
            {
                Failures.Enqueue($"HTTP: {e.Message}");
            }
        }
    }

    /// <summary>Of eight messages two are collected and one goes to the other server.</summary>
    private Outgoing Next(int client)
    {
        var number = Interlocked.Increment(ref _others);
        if (number % 8 == 7)
        {
            var relayed = new TestMessage(OthersFrom + number, OtherBytes, [$"u{client}@{OtherServer}"]);
            return new Outgoing(relayed, () => { }, () => _relayed[relayed.Number] = true);
        }

        if (number % 8 > 4)
        {
            var collector = _collectors[number % _collectors.Length];
            var collected = new TestMessage(OthersFrom + number, OtherBytes, [collector.Address]);
            return new Outgoing(collected, () => collector.Expect(collected), () => _collectable[collected.Number] = true);
        }

        var kept = Ledger.Next();
        return new Outgoing(kept, () => Ledger.HandsOver(kept), () => Ledger.Acknowledge(kept));
    }

    /// <param name="HandsOver">From now on the server may keep it.</param>
    private sealed record Outgoing(TestMessage Message, Action HandsOver, Action Acknowledge);
}
