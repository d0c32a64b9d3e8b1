using MailGrains.Storage.Tables;
using MailGrains.Testing.Orleans;

namespace MailGrains.Storage.Azure.Tests;

public sealed class MembershipTableOnAzureTests(OpenedStores stores) : MembershipTableContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class MembershipSnapshotOnAzureTests(OpenedStores stores) : MembershipSnapshotContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class ReminderTableOnAzureTests(OpenedStores stores) : ReminderTableContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class GrainStorageOnAzureTests(OpenedStores stores) : GrainStorageContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}

public sealed class ProviderFaultOnAzureTests(OpenedStores stores) : ProviderFaultContract, IClassFixture<OpenedStores>
{
    protected override ITableStore Store => stores.Account.Tables;
}
