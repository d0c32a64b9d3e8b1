using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.EndToEnd.Tests.Crash;
using MailGrains.Storage.Azure;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Faults;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Cluster;

/// <summary>
/// A host that stands still until it is taken for dead, and then goes on as if nothing had been: for a while two activations of a mailbox
/// believe that they own it, and the store lets only one write.
/// </summary>
public sealed class StaleOwnerTests(ITestOutputHelper output)
{
    private const string Tenant = "stale";
    private const string Password = "one writer at a time";
    private const int Sessions = 12;
    private const int AnswersBefore = 40;
    private const int AnswersAfter = 100;
    private const int LateBytes = 2_000;
    private const int Stop = 19;
    private const int Continue = 18;

    // Half a minute of it passes until the owner is taken for dead: Orleans waits while a connection was lively within 24 s, for probes of 2 s.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static readonly string[] Busy = ["one@stale.test", "two@stale.test"];

    // Nothing is in flight for it when the owner stops: whatever the owner writes afterwards, it decided afterwards.
    private const string Quiet = "quiet@stale.test";

    [Fact]
    public async Task The_late_write_of_a_host_taken_for_dead_fails_and_nothing_is_lost_or_doubled()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        var cancellationToken = limit.Token;
        using var data = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(cancellationToken);
        await using var membership = new TcpProxy(() => azurite.TablePort);
        var (mail, cluster) = (azurite.NewAccount(), azurite.NewAccount());
        var ledger = new Ledger(Busy, Password, Quiet);

        // Alone at first, the owner surely has the mailboxes.
        await using var owner = await HostProcess.StartAsync(
            Options(data, "owner", AzureSettings.Of(mail, cluster.ConnectionStringOver(azurite.BlobPort, membership.Port))), cancellationToken);
        using (var admin = owner.NewAdminClient())
        {
            await admin.PutMailboxesAsync(Tenant, [.. Busy, Quiet], Password, cancellationToken);
        }

        await SendAsync(owner, ledger, [ledger.Next(), ledger.Next(LateBytes, [Quiet])], cancellationToken);

        await using var other = await HostProcess.StartAsync(
            Options(data, "other", AzureSettings.Of(mail, cluster.ConnectionString)), cancellationToken);
        var storm = new Storm(ledger, Sessions);
        var sending = storm.RunAsync(other.Smtp, cancellationToken);
        try
        {
            await storm.UntilAsync(s => s.Answered >= AnswersBefore, cancellationToken);
            var late = await StandStillAsync(owner, other, membership, ledger, storm, cancellationToken);

            await SendAsync(other, ledger, late, cancellationToken);
        }
        catch (Exception e)
        {
            output.WriteLine($"{e.GetType().Name}: {storm.Waiting} clients wait, {storm.Answered} messages were answered.");
            output.WriteLine($"The owner:\n{owner.Output}\nThe other:\n{other.Output}");
            throw;
        }
        finally
        {
            storm.Stop();
            await sending;
        }

        Assert.Equal(0, storm.Ended);
        await ledger.VerifyAllAsync(other, cancellationToken);
        Assert.Equal(0, await other.StopAsync());
        var accounts = await AzureStores.OpenAsync(
            new AzureStorageOptions
            {
                Accounts = [new AzureAccountOptions { ConnectionString = mail.ConnectionString }],
                Cluster = new AzureAccountOptions { ConnectionString = cluster.ConnectionString },
            },
            service: AzureSettings.Service);
        await StoreCheck.RunAsync(accounts, Busy.Length + 1, cancellationToken);
    }

    /// <summary>
    /// Stops the owner amid its commits until deliveries go on without it, then lets it go on, with a message for each mailbox that has come
    /// meanwhile. What would tell it that it was taken for dead is held back until it has tried to write.
    /// </summary>
    /// <returns>The messages that came meanwhile.</returns>
    private async Task<IReadOnlyList<TestMessage>> StandStillAsync(
        HostProcess owner, HostProcess other, TcpProxy membership, Ledger ledger, Storm storm, CancellationToken cancellationToken)
    {
        var late = Busy.Append(Quiet).Select(a => ledger.Next(LateBytes, [a])).ToList();
        var sessions = await Task.WhenAll(late.Select(_ => SmtpSession.OpenAsync(owner.Smtp, cancellationToken)));
        for (var i = 0; i < late.Count; i++)
        {
            Assert.Equal(354, (await sessions[i].BeginAsync(late[i], cancellationToken)).Code);
        }

        _ = membership.HoldReplies();
        owner.Signal(Stop);
        var answered = storm.Answered;
        var replies = late.Select((message, i) => FinishAsync(sessions[i], ledger, message, cancellationToken)).ToList();
        await storm.UntilAsync(s => s.Answered >= answered + AnswersAfter, cancellationToken);
        await SendAsync(other, ledger, [ledger.Next(LateBytes, [Quiet])], cancellationToken);
        owner.Signal(Continue);

        output.WriteLine(await owner.WaitForLineAsync(l => l.Contains("has another writer: commit", StringComparison.Ordinal), cancellationToken));
        await owner.KillAsync();
        foreach (var reply in await Task.WhenAll(replies))
        {
            output.WriteLine($"The owner answered: {reply}");
        }

        foreach (var session in sessions)
        {
            session.Dispose();
        }

        return late;
    }

    private static async Task SendAsync(HostProcess host, Ledger ledger, IReadOnlyList<TestMessage> messages, CancellationToken cancellationToken)
    {
        using var session = await SmtpSession.OpenAsync(host.Smtp, cancellationToken);
        foreach (var message in messages)
        {
            Assert.Equal(250, (await session.SendAsync(message, () => ledger.HandsOver(message), cancellationToken: cancellationToken)).Code);
            ledger.Acknowledge(message);
        }
    }

    /// <summary>Ends a message and notes whether it was acknowledged; the reply.</summary>
    private static async Task<string> FinishAsync(SmtpSession session, Ledger ledger, TestMessage message, CancellationToken cancellationToken)
    {
        ledger.HandsOver(message);
        await session.SendEndOfDataAsync(cancellationToken);
        try
        {
            var reply = await session.ReadReplyAsync(cancellationToken);
            Assert.True(reply.Code == 250 || reply.IsTransient, reply.Text);
            if (reply.Code == 250)
            {
                ledger.Acknowledge(message);
            }

            return reply.Text;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private static HostOptions Options(DataFolder data, string name, Dictionary<string, string> settings) =>
        new() { DataFolder = Path.Combine(data.Path, name), Settings = settings };
}
