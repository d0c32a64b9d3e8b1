using MailGrains.Storage.Sqlite;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>What was acknowledged is kept once and whole, whenever the process is killed: the embedded store.</summary>
public sealed class SqliteCrashTests(ITestOutputHelper output)
{
    private const int FewKills = 25;

    [Fact]
    public async Task What_was_acknowledged_is_there_once_and_whole_after_each_of_many_kills()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        using var data = new DataFolder();
        var run = new CrashRun(new HostOptions { DataFolder = data.Path }, output);
        try
        {
            await run.StartAsync(cancellationToken);
            await run.KillAsync(CrashRun.KillsOr(FewKills), cancellationToken);
            await run.StopAsync(cancellationToken);
        }
        finally
        {
            await run.DisposeHostAsync();
        }

        await using var store = SqliteStore.Open(new SqliteStoreOptions { Path = data.Path });
        var leftovers = await StoreCheck.RunAsync(store.Accounts, CrashRun.Mailboxes, cancellationToken);
        output.WriteLine($"{leftovers} bodies or rows were left by the kills, and swept.");
    }
}
