using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Tls;
using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Tls;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Clients of our own server, over pipes in memory that remember what a client has sent.</summary>
public sealed class SmtpClientFixture : IAsyncDisposable
{
    public const string Alice = "alice@example.test";
    public const string Bob = "bob@example.test";

    public static readonly TlsClientPolicy AnyPeer = new("mx.example.test", TlsPeerChecks.None);

    private readonly List<SmtpClientConnection> _connections = [];

    public SmtpClientFixture()
    {
        Store.AddMailbox("alice", "example.test", "secret");
        Store.AddMailbox("bob", "example.test", "hidden");
    }

    public InMemoryMailStore Store { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public SmtpServerOptions Server { get; init; } = new()
    {
        HostName = "mx.example.test",
        Extensions = SmtpExtensions.Dsn | SmtpExtensions.DeliverBy | SmtpExtensions.MtPriority | SmtpExtensions.RequireTls,
    };

    public SmtpConnection Connection { get; init; } = new() { Certificates = _ => TestCertificate.Server };

    public SmtpClientOptions Options { get; set; } = new() { HelloName = "client.example" };

    public InMemorySmtpBackend? Backend { get; private set; }

    /// <summary>What the last client has sent, in clear.</summary>
    public ArrayBufferWriter<byte> Sent { get; private set; } = new();

    public string SentText => Encoding.Latin1.GetString(Sent.WrittenSpan);

    public SmtpClientConnection Connect(ISmtpBackend? backend = null)
    {
        Backend = new InMemorySmtpBackend(Store);
        Sent = new();
        var session = new SmtpServerSession(Server, backend ?? Backend, Time, Connection with { Accounts = Connection.Accounts ?? new InMemorySaslBackend(Store) });
        var near = new PipePair();
        var far = new PipePair();
        _ = ServeAsync(session, far.Server);
        _ = PumpAsync(near.Server.Input, far.Client.Output, Sent);
        _ = PumpAsync(far.Client.Input, near.Server.Output, null);
        var connection = new SmtpClientConnection(near.Client, Options, Time, TestContext.Current.CancellationToken);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>A client that has said EHLO.</summary>
    public async Task<SmtpClientConnection> OpenAsync(ISmtpBackend? backend = null)
    {
        var connection = Connect(backend);
        Assert.Equal(SmtpVerdict.Accepted, (await connection.OpenAsync()).Verdict);
        return connection;
    }

    public static OutgoingMail Mail(string content, params string[] recipients) => new(
        ReversePath.Parse("sender@elsewhere.test")!.Value, default,
        [.. (recipients.Length == 0 ? [Alice] : recipients).Select(text => new OutgoingRecipient(ForwardPath.Parse(text)!.Value))],
        new OutgoingContent(Encoding.Latin1.GetBytes(content)));

    public List<string> MessagesOf(string address) =>
        [.. Store.MessagesOf(address).Select(message => Encoding.Latin1.GetString(message.Content.Span))];

    public async ValueTask DisposeAsync()
    {
        foreach (var connection in _connections)
        {
            await connection.DisposeAsync();
        }
    }

    private static async Task ServeAsync(SmtpServerSession session, IDuplexPipe transport)
    {
        await session.RunAsync(transport, CancellationToken.None);
        await transport.Output.CompleteAsync();
        await transport.Input.CompleteAsync();
    }

    private static async Task PumpAsync(PipeReader from, PipeWriter to, ArrayBufferWriter<byte>? copy)
    {
        while (true)
        {
            var result = await from.ReadAsync();
            foreach (var piece in result.Buffer)
            {
                copy?.Write(piece.Span);
                to.Write(piece.Span);
            }

            from.AdvanceTo(result.Buffer.End);
            if ((await to.FlushAsync()).IsCompleted || result.IsCompleted)
            {
                break;
            }
        }

        await from.CompleteAsync();
        await to.CompleteAsync();
    }
}
