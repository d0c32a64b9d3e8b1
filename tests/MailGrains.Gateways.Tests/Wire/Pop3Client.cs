using System.Globalization;
using System.Net;
using System.Text;

namespace MailGrains.Gateways.Tests.Wire;

/// <summary>Speaks POP3 word by word.</summary>
internal sealed class Pop3Client : IAsyncDisposable
{
    private readonly WireConnection _wire;

    private Pop3Client(WireConnection wire) => _wire = wire;

    /// <summary>A session that has not logged in yet.</summary>
    public static async Task<Pop3Client> OpenAsync(GatewayCluster cluster, IPAddress? peer = null)
    {
        var client = new Pop3Client(new WireConnection(connection => cluster.Pop3.RunAsync(connection, implicitTls: false), peer));
        Assert.StartsWith("+OK", await client._wire.ReadLineAsync(), StringComparison.Ordinal);
        return client;
    }

    public static async Task<Pop3Client> LogInAsync(GatewayCluster cluster, string address, string password = TestTenant.Password)
    {
        var client = await OpenAsync(cluster);
        Assert.StartsWith("+OK", await client.LogInAsync(address, password), StringComparison.Ordinal);
        return client;
    }

    /// <summary>All messages of an address's INBOX, as they come over the wire.</summary>
    public static async Task<IReadOnlyList<string>> ReadAllAsync(GatewayCluster cluster, string address)
    {
        await using var client = await LogInAsync(cluster, address);
        var messages = new List<string>();
        for (var number = 1; number <= await client.CountAsync(); number++)
        {
            messages.Add(await client.RetrieveAsync(number));
        }

        return messages;
    }

    public async Task<string> LogInAsync(string address, string password)
    {
        Assert.StartsWith("+OK", await AskAsync($"USER {address}"), StringComparison.Ordinal);
        return await AskAsync($"PASS {password}");
    }

    public async Task<string> AskAsync(string command)
    {
        await _wire.SendAsync(command + "\r\n");
        return await _wire.ReadLineAsync();
    }

    public async Task<int> CountAsync() => int.Parse((await AskAsync("STAT")).Split(' ')[1], CultureInfo.InvariantCulture);

    public async Task<string> RetrieveAsync(int number)
    {
        Assert.StartsWith("+OK", await AskAsync($"RETR {number}"), StringComparison.Ordinal);
        return await ReadBodyAsync();
    }

    /// <summary>The lines of a multi-line answer.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(string command)
    {
        Assert.StartsWith("+OK", await AskAsync(command), StringComparison.Ordinal);
        return (await ReadBodyAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
    }

    public ValueTask DisposeAsync() => _wire.DisposeAsync();

    private async Task<string> ReadBodyAsync()
    {
        var body = new StringBuilder();
        for (var line = await _wire.ReadLineAsync(); line != "."; line = await _wire.ReadLineAsync())
        {
            body.Append(line.StartsWith('.') ? line[1..] : line).Append("\r\n");
        }

        return body.ToString();
    }
}
