using System.Diagnostics;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>
/// Kills a host again and again while clients send to it, and holds its mailboxes against what the clients know after each restart. A kill
/// counts only when it left at least eight sessions between end of data and reply.
/// </summary>
internal sealed class CrashRun(HostOptions options, ITestOutputHelper output)
{
    public const int Mailboxes = 8;
    public const int Sessions = 32;

    private const string Tenant = "crash";
    private const string Password = "kept once, kept whole";
    private const int LeastUnanswered = 8;

    // More than what has to be hit: some replies are on their way already.
    private const int WaitingAtKill = 18;
    private const int MostAnswersBeforeKill = 120;

    /// <summary>How often a host is killed: <c>MAILGRAINS_TEST_KILLS</c>, where it is set, as in the long run that the tests' README names.</summary>
    /// <param name="few">With everything else.</param>
    public static int KillsOr(int few) =>
        int.TryParse(Environment.GetEnvironmentVariable("MAILGRAINS_TEST_KILLS"), System.Globalization.CultureInfo.InvariantCulture, out var kills) && kills > 0 ? kills : few;

    private static readonly string[] Addresses = [.. Enumerable.Range(0, Mailboxes).Select(i => $"box{i}@crash.test")];
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(120);

    private readonly Random _random = new(1);
    private HostProcess? _host;

    public Ledger Ledger { get; } = new(Addresses, Password);

    public HostProcess Host => _host ?? throw new InvalidOperationException("No host is running.");

    /// <summary>Starts the host for the first time and makes the mailboxes.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _host = await HostProcess.StartAsync(options, cancellationToken);
        using var admin = _host.NewAdminClient();
        await admin.PutMailboxesAsync(Tenant, Addresses, Password, cancellationToken);
    }

    /// <summary>Kills until so many kills count; at the end the host runs.</summary>
    public async Task KillAsync(int kills, CancellationToken cancellationToken)
    {
        var storm = new Storm(Ledger, Sessions);
        // The missed ones found fewer sessions waiting than must be hit.
        var (counted, missed, unanswered, kept) = (0, 0, 0, 0);
        var watch = Stopwatch.StartNew();
        while (counted < kills)
        {
            await KillDuringAsync(storm, cancellationToken);
            _host = await HostProcess.StartAsync(options, cancellationToken);
            kept += await Ledger.VerifyAsync(_host, cancellationToken);
            unanswered += storm.Unanswered;
            var counts = storm.Unanswered >= LeastUnanswered;
            counted += counts ? 1 : 0;
            missed += counts ? 0 : 1;
            Assert.True(missed <= kills / 5, $"{missed} of {counted + missed} kills found fewer than {LeastUnanswered} sessions waiting.");
        }

        output.WriteLine($"{counted} kills in {watch.Elapsed.TotalSeconds:F0} s ({missed} more found fewer than {LeastUnanswered} sessions waiting): " +
            $"{Ledger.Acknowledged} messages acknowledged, {unanswered} unanswered, {kept} of these kept.");
        Assert.True(kept > 0, "Never was a message kept whose client was not answered: the kills came at the wrong moments.");
    }

    /// <summary>Sends on a host that runs, until <paramref name="during"/> has ended.</summary>
    public async Task SendDuringAsync(Func<Storm, CancellationToken, Task> during, CancellationToken cancellationToken)
    {
        var storm = new Storm(Ledger, Sessions);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(RoundLimit);
        var sending = storm.RunAsync(Host.Smtp, limit.Token);
        try
        {
            await during(storm, limit.Token);
        }
        finally
        {
            storm.Stop();
            storm.Retry();
            await sending;
        }

        Assert.Equal(0, storm.Ended);
    }

    /// <summary>Reads all mailboxes once more and stops the host.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Ledger.VerifyAllAsync(Host, cancellationToken);
        Assert.Equal(0, await Host.StopAsync());
        await DisposeHostAsync();
    }

    public async Task DisposeHostAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
            _host = null;
        }
    }

    private async Task KillDuringAsync(Storm storm, CancellationToken cancellationToken)
    {
        var host = Host;
        var answers = _random.Next(MostAnswersBeforeKill);
        var at = _random.Next(2) == 0 ? StormMoment.Waits : StormMoment.Answered;
        var killed = 0;
        storm.OnMoment = moment =>
        {
            if (moment == at && storm.Waiting >= WaitingAtKill && storm.Answered >= answers && Interlocked.Exchange(ref killed, 1) == 0)
            {
                host.Kill();
            }
        };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(RoundLimit);
        await storm.RunAsync(host.Smtp, limit.Token);
        await host.KillAsync();
        await DisposeHostAsync();
    }
}
