using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.EndToEnd.Tests.Operations;

/// <summary>Clients that send all they have to say, close their side, and then read: what they said is carried out.</summary>
public sealed class HalfClosedClientTests(RunningHost running) : IClassFixture<RunningHost>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(100)]
    [InlineData(300_000)]
    public async Task A_message_is_taken_and_deleted_by_clients_that_have_closed_their_side(int bytes)
    {
        var line = new string('x', 98) + "\r\n";
        var message = $"Subject: half\r\n\r\n{string.Concat(Enumerable.Repeat(line, bytes / line.Length))}";
        var sent = await TalkAsync(
            running.Host.Smtp, $"EHLO client.test\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<{RunningHost.Mailbox}>\r\nDATA\r\n{message}.\r\nQUIT\r\n");
        Assert.Contains("\r\n250 2.0.0 ", sent, StringComparison.Ordinal);
        Assert.Equal(1, await running.CountAsync(Cancel));

        var deleted = await TalkAsync(running.Host.Pop3, $"USER {RunningHost.Mailbox}\r\nPASS {RunningHost.Password}\r\nDELE 1\r\nQUIT\r\n");
        Assert.DoesNotContain("-ERR", deleted, StringComparison.Ordinal);
        Assert.Equal(0, await running.CountAsync(Cancel));
    }

    private static async Task<string> TalkAsync(IPEndPoint server, string script)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server, Cancel);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(script), Cancel);
        client.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(Cancel);
    }
}
