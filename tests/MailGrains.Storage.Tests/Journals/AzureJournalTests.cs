using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Tests.Journals;

public sealed class AzureJournalTests(AzuriteFixture azurite) : JournalContract
{
    protected override async ValueTask<StorageAccount> AccountAsync() => (await azurite.Server.OpenStoresAsync()).Directory;
}
