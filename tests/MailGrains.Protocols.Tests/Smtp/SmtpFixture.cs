using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Wire;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>A server on an in-memory store, and clients of it.</summary>
public sealed class SmtpFixture
{
    public const string Alice = "alice@example.test";
    public const string AlicesLogin = "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQ=";
    public const string Bob = "bob@example.test";

    public SmtpFixture()
    {
        Store.AddMailbox("alice", "example.test", "secret");
        Store.AddMailbox("bob", "example.test", "hidden");
    }

    public InMemoryMailStore Store { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public SmtpServerOptions Options { get; init; } = new() { HostName = "mx.example.test" };

    public SmtpConnection Connection { get; init; } = SmtpConnection.Plain;

    /// <summary>AUTH is offered, in clear too.</summary>
    public bool TakesLogins { get; init; }

    public CancellationTokenSource Shutdown { get; } = new();

    public InMemorySmtpBackend? Backend { get; private set; }

    /// <summary>A client that has read the greeting.</summary>
    public async Task<WireClient> ConnectAsync(ISmtpBackend? backend = null)
    {
        Backend = new InMemorySmtpBackend(Store);
        var connection = TakesLogins ? Connection with { Accounts = new InMemorySaslBackend(Store), AllowsClearTextLogin = true } : Connection;
        var session = new SmtpServerSession(Options, backend ?? Backend, Time, connection);
        var client = new WireClient(transport => session.RunAsync(transport, Shutdown.Token));
        Assert.StartsWith("220 mx.example.test ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A client that has said EHLO.</summary>
    public async Task<WireClient> GreetAsync(ISmtpBackend? backend = null)
    {
        var client = await ConnectAsync(backend);
        await client.AskAsync("EHLO client.example");
        return client;
    }

    /// <summary>A client that may send content now.</summary>
    public async Task<WireClient> BeginDataAsync(ISmtpBackend? backend = null)
    {
        var client = await GreetAsync(backend);
        await client.AskAsync("MAIL FROM:<sender@elsewhere.test>");
        await client.AskAsync($"RCPT TO:<{Alice}>");
        Assert.StartsWith("354 ", await client.AskAsync("DATA"), StringComparison.Ordinal);
        return client;
    }

    public List<string> MessagesOf(string address) =>
        [.. Store.MessagesOf(address).Select(message => System.Text.Encoding.Latin1.GetString(message.Content.Span))];
}
