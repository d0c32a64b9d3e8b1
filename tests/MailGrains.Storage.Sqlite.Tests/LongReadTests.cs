using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Sqlite.Tests;

/// <summary>Reads run on the caller's thread, and a caller may be a grain, whose scheduler runs one thing at a time.</summary>
public sealed class LongReadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ALongReadLetsOthersOfItsSchedulerRunBetweenItsPages(bool onePartition)
    {
        await using var store = SqliteStore.Open(new() { Path = _folder.Path });
        for (var i = 0; i < 10; i++)
        {
            TableOperation[] rows = [.. Enumerable.Range(i * 100, 100).Select(r => TableOperation.Insert($"{r:D4}", new RowProperties("v", 1L)))];
            Assert.True((await store.Tables.CommitAsync(TableNames.Mail, "p", rows, Token)).Committed);
        }

        var turns = new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler;
        var read = 0;
        var readWhenOtherRan = -1;
        await OnTurnsAsync(async () =>
        {
            var other = OnTurnsAsync(() =>
            {
                readWhenOtherRan = read;
                return Task.CompletedTask;
            });
            await foreach (var row in onePartition
                ? store.Tables.ReadRowsAsync(TableNames.Mail, "p", KeyRange.All, Token)
                : store.Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.All, Token))
            {
                Assert.Equal($"{read++:D4}", row.Row);
            }

            await other;
        });
        Assert.Equal(1000, read);
        Assert.InRange(readWhenOtherRan, 1, 999);

        Task OnTurnsAsync(Func<Task> work) => Task.Factory.StartNew(work, Token, TaskCreationOptions.None, turns).Unwrap();
    }
}
