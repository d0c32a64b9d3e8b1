using MailGrains.EndToEnd.Tests.Cluster;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>What was acknowledged is kept once and whole on Azure's stores, whichever of host and storage goes away.</summary>
public sealed class AzureCrashTests(ITestOutputHelper output)
{
    // The journal is the one that SQLite's kills are for; here it is the store's answers that differ.
    private const int FewKills = 12;
    private const int AnswersBetween = 50;

    [Fact]
    public async Task What_was_acknowledged_is_there_once_and_whole_after_kills_of_the_host_and_outages_of_the_storage()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        await using var azurite = await AzuriteServer.StartAsync(cancellationToken);
        var account = azurite.NewAccount();
        var run = new CrashRun(new HostOptions { DataFolder = data.Path, Settings = AzureSettings.Of(account) }, output);
        try
        {
            await run.StartAsync(cancellationToken);
            await run.KillAsync(CrashRun.KillsOr(FewKills), cancellationToken);
            foreach (var outlasts in new[] { false, true })
            {
                await run.SendDuringAsync((storm, token) => InterruptAsync(azurite, storm, outlasts, token), cancellationToken);
                await run.Ledger.VerifyAsync(run.Host, cancellationToken);
            }

            await run.StopAsync(cancellationToken);
        }
        finally
        {
            await run.DisposeHostAsync();
        }

        var accounts = await AzureStores.OpenAsync([account.ConnectionString], service: AzureSettings.Service);
        var leftovers = await StoreCheck.RunAsync(accounts, CrashRun.Mailboxes, cancellationToken);
        output.WriteLine($"{leftovers} bodies or rows were left by the kills, and swept.");
    }

    /// <summary>
    /// Takes the storage away and gives it back: while every client waits, or only when every client was told to come again.
    /// </summary>
    private async Task InterruptAsync(AzuriteServer azurite, Storm storm, bool outlasts, CancellationToken cancellationToken)
    {
        await storm.UntilAsync(s => s.Answered >= AnswersBetween, cancellationToken);
        storm.HoldRetries();
        await azurite.StopAsync();
        await storm.UntilAsync(s => s.Held + (outlasts ? 0 : s.Waiting) == CrashRun.Sessions, cancellationToken);
        var (waiting, held, answered) = (storm.Waiting, storm.Held, storm.Answered);
        await azurite.StartAgainAsync(cancellationToken);
        storm.Retry();
        await storm.UntilAsync(s => s.Answered >= answered + AnswersBetween, cancellationToken);
        output.WriteLine($"Without storage {waiting} clients waited for their reply and {held} were told to come again.");
    }
}
