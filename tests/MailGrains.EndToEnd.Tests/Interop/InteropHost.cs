using System.Text;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.EndToEnd.Tests.Interop;

/// <summary>A host with two users and a certificate that clients can be told to trust.</summary>
public sealed class InteropHost : IAsyncLifetime
{
    public const string Name = "mail.interop.test";
    public const string User = "ann@interop.test";
    public const string Friend = "bob@interop.test";
    public const string Password = "correct horse";

    private readonly DataFolder _data = new();

    public HostProcess Host { get; private set; } = null!;

    public ServerCertificate Certificate { get; private set; } = null!;

    /// <summary>For files of the clients.</summary>
    public DataFolder Files { get; } = new();

    public async ValueTask InitializeAsync()
    {
        Certificate = new ServerCertificate(Files.Path, Name);
        var settings = new Dictionary<string, string>(Certificate.Settings) { ["MailGrains:HostName"] = Name, ["MailGrains:Endpoints:Https"] = "127.0.0.1:0" };
        Host = await HostProcess.StartAsync(new HostOptions { DataFolder = _data.Path, Settings = settings });
        using var admin = Host.NewAdminClient();
        await admin.PutMailboxesAsync("interop", [User, Friend], Password);
    }

    /// <summary>The one message with that subject in the friend's mailbox.</summary>
    public async Task<string> ReceivedAsync(string subject, CancellationToken cancellationToken)
    {
        using var session = await Pop3Session.LogInAsync(Host.Pop3, Friend, Password, cancellationToken);
        var found = new List<string>();
        foreach (var (number, _) in await session.ListAsync(cancellationToken))
        {
            var text = Encoding.UTF8.GetString(await session.RetrieveAsync(number, cancellationToken));
            if (text.Contains($"\r\nSubject: {subject}\r\n", StringComparison.OrdinalIgnoreCase))
            {
                found.Add(text);
            }
        }

        return Assert.Single(found);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null)
        {
            await Host.DisposeAsync();
        }

        _data.Dispose();
        Files.Dispose();
    }
}
