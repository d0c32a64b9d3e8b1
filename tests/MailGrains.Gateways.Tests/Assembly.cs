using MailGrains.Testing.Daemons;

[assembly: AssemblyFixture(typeof(RspamdServer))]
[assembly: AssemblyFixture(typeof(ClamdServer))]
