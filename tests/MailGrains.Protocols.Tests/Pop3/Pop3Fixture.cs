using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Pop3;

/// <summary>A server on an in-memory store, and clients of it.</summary>
public sealed class Pop3Fixture
{
    public const string Alice = "alice@example.test";

    public static readonly SaslPolicy ClearText = new(IsEncrypted: false, AllowsClearText: true, default, OffersBearer: true);

    public Pop3Fixture() => Store.AddMailbox("alice", "example.test", "secret word");

    public InMemoryMailStore Store { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public Pop3ServerOptions Options { get; init; } = new() { HostName = "pop.example.test" };

    /// <summary>What is offered before TLS.</summary>
    public SaslPolicy Sasl { get; init; } = ClearText;

    public TlsCertificates? Certificates { get; init; }

    public CancellationTokenSource Shutdown { get; } = new();

    public InMemoryPop3Backend? Backend { get; private set; }

    public void Deliver(params ReadOnlySpan<string> messages)
    {
        foreach (var message in messages)
        {
            Store.Deliver([Alice], Encoding.Latin1.GetBytes(message));
        }
    }

    public async Task<WireClient> ConnectAsync(IPop3Backend? backend = null)
    {
        var client = Open(backend);
        Assert.Equal("+OK pop.example.test POP3 ready", await client.ReadLineAsync());
        return client;
    }

    /// <summary>A client that has read nothing yet.</summary>
    public WireClient Open(IPop3Backend? backend = null)
    {
        Backend = new InMemoryPop3Backend(Store);
        var session = new Pop3ServerSession(
            Options, backend ?? Backend, backend as ISaslBackend ?? new InMemorySaslBackend(Store), Sasl, Time, Certificates);
        return new WireClient(transport => session.RunAsync(transport, Shutdown.Token));
    }

    public async Task<WireClient> LogInAsync(IPop3Backend? backend = null)
    {
        var client = await ConnectAsync(backend);
        await client.SendAsync($"USER {Alice}\r\nPASS secret word\r\n");
        Assert.StartsWith("+OK", await client.ReadLineAsync(), StringComparison.Ordinal);
        Assert.StartsWith("+OK", await client.ReadLineAsync(), StringComparison.Ordinal);
        return client;
    }

    public static async Task<string?> AskAsync(WireClient client, string command)
    {
        await client.SendAsync(command + "\r\n");
        return await client.ReadLineAsync();
    }

    /// <summary>The lines of a multi-line response, as they were before dots were stuffed.</summary>
    public static async Task<string> ReadMultiLineAsync(WireClient client)
    {
        var text = new StringBuilder();
        while (await client.ReadLineAsync() is { } line && line != ".")
        {
            text.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return text.ToString();
    }
}
