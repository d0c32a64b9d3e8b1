using MailGrains.Storage.Tables;
using MailGrains.Testing.Orleans;

namespace MailGrains.Storage.Sqlite.Tests;

public sealed class MembershipTableOnSqliteTests(StoreFixture fixture) : MembershipTableContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class MembershipSnapshotOnSqliteTests(StoreFixture fixture) : MembershipSnapshotContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class ReminderTableOnSqliteTests(StoreFixture fixture) : ReminderTableContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class GrainStorageOnSqliteTests(StoreFixture fixture) : GrainStorageContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}

public sealed class ProviderFaultOnSqliteTests(StoreFixture fixture) : ProviderFaultContract
{
    protected override ITableStore Store => fixture.Store.Tables;
}
