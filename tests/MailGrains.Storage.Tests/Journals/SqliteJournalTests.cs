namespace MailGrains.Storage.Tests.Journals;

public sealed class SqliteJournalTests(SqliteStoreFixture store) : JournalContract, IClassFixture<SqliteStoreFixture>
{
    protected override ValueTask<StorageAccount> AccountAsync() => new(store.Account);
}
