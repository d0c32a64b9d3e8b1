using MailGrains.Testing.Azurite;

[assembly: AssemblyFixture(typeof(AzuriteFixture))]
