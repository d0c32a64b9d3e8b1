using System.Net;
using System.Text;
using MailGrains.Gateways.Smtp;

namespace MailGrains.Gateways.Tests.Wire;

/// <summary>Speaks SMTP word by word; each call answers the reply, its lines joined by LF.</summary>
internal sealed class SmtpClient : IAsyncDisposable
{
    public const string Sender = "ann@example.org";

    private readonly WireConnection _wire;

    private SmtpClient(WireConnection wire) => _wire = wire;

    /// <summary>A session behind its EHLO (or HELO).</summary>
    /// <param name="peer">Null: loopback.</param>
    public static async Task<SmtpClient> OpenAsync(
        GatewayCluster cluster, string hello = "EHLO client.example.org", IPAddress? peer = null, SmtpListener listener = SmtpListener.Exchange)
    {
        var client = new SmtpClient(new WireConnection(connection => cluster.Smtp.RunAsync(connection, listener), peer));
        Assert.StartsWith("220 ", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync(hello), StringComparison.Ordinal);
        return client;
    }

    /// <summary>A session on the submission port of a mailbox of the tenant.</summary>
    public static async Task<SmtpClient> LogInAsync(GatewayCluster cluster, TestTenant tenant, string localpart)
    {
        var client = await OpenAsync(cluster, listener: SmtpListener.Submission);
        var plain = Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{tenant.Address(localpart)}\0{TestTenant.Password}"));
        Assert.StartsWith("235 ", await client.AskAsync("AUTH PLAIN " + plain), StringComparison.Ordinal);
        return client;
    }

    /// <summary>Sends one message in a session of its own; answers the reply to the end of its data.</summary>
    public static async Task<string> SendAsync(GatewayCluster cluster, string content, params IReadOnlyList<string> recipients)
    {
        await using var client = await OpenAsync(cluster);
        await client.BeginAsync(recipients);
        return await client.DataAsync(content);
    }

    public async Task<string> AskAsync(string command)
    {
        await _wire.SendAsync(command + "\r\n");
        return await ReadReplyAsync();
    }

    public Task<string> MailAsync(string parameters = "") => AskAsync($"MAIL FROM:<{Sender}>{parameters}");

    /// <param name="path">Without angle brackets.</param>
    public Task<string> RcptAsync(string path) => AskAsync($"RCPT TO:<{path}>");

    /// <summary>Opens a transaction; every recipient must be taken.</summary>
    public async Task BeginAsync(params IReadOnlyList<string> recipients)
    {
        Assert.StartsWith("250 2.1.0", await MailAsync(), StringComparison.Ordinal);
        foreach (var recipient in recipients)
        {
            Assert.StartsWith("250 2.1.5", await RcptAsync(recipient), StringComparison.Ordinal);
        }
    }

    /// <param name="content">Whole lines ending in CRLF, as they are meant: dots are stuffed here.</param>
    /// <param name="meanwhile">What happens between the 354 and the content.</param>
    public async Task<string> DataAsync(string content, Func<Task>? meanwhile = null)
    {
        Assert.StartsWith("354 ", await AskAsync("DATA"), StringComparison.Ordinal);
        if (meanwhile is not null)
        {
            await meanwhile();
        }

        var stuffed = content.Replace("\r\n.", "\r\n..", StringComparison.Ordinal);
        await _wire.SendAsync(stuffed.StartsWith('.') ? "." + stuffed : stuffed);
        return await AskAsync(".");
    }

    /// <summary>Sends content whose end will never come.</summary>
    public async Task BreakOffAsync(string content)
    {
        Assert.StartsWith("354 ", await AskAsync("DATA"), StringComparison.Ordinal);
        await _wire.SendAsync(content);
    }

    public ValueTask DisposeAsync() => _wire.DisposeAsync();

    private async Task<string> ReadReplyAsync()
    {
        var lines = new List<string>();
        do
        {
            lines.Add(await _wire.ReadLineAsync());
        }
        while (lines[^1].Length > 3 && lines[^1][3] == '-');
        return string.Join('\n', lines);
    }
}
