using System.IO.Pipelines;
using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Pop3;
using MailGrains.Protocols.Tests.Smtp;
using MailGrains.Protocols.Wire;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Wire;

/// <summary>
/// A thousand clients that have not logged in send a line that does not end. Both ends run inline, so what is allocated, and the buffers that are out, are
/// counted exactly whatever else runs.
/// </summary>
public sealed class EndlessLineTests : IDisposable
{
    private const int Sessions = 1_000;
    private const int PieceBytes = 4_096;
    private const int Pieces = 24;

    // The longest line that is waited for is 12,288 octets.
    private const int MostBuffersOfASession = 4;

    private readonly InMemoryMailStore _store = new();
    private readonly FakeTimeProvider _time = new();
    private readonly CountingMemoryPool _pool = new();
    private readonly byte[] _piece = [.. Enumerable.Repeat((byte)'x', PieceBytes)];

    public void Dispose() => _pool.Dispose();

    [Fact]
    public async Task OfSmtpKeepsMemoryFlat()
    {
        var options = new SmtpServerOptions { HostName = "mx.example.test", IsSubmission = true };
        var connection = new SmtpConnection { Accounts = new InMemorySaslBackend(_store), AllowsClearTextLogin = true };
        await RunAsync("EHLO client.example\r\nAUTH PLAIN ", transport =>
            new SmtpServerSession(options, new InMemorySmtpBackend(_store), _time, connection).RunAsync(transport, CancellationToken.None));
    }

    [Fact]
    public async Task OfPop3KeepsMemoryFlat()
    {
        var options = new Pop3ServerOptions { HostName = "pop.example.test" };
        await RunAsync("USER ", transport =>
            new Pop3ServerSession(options, new InMemoryPop3Backend(_store), new InMemorySaslBackend(_store), Pop3Fixture.ClearText, _time)
                .RunAsync(transport, CancellationToken.None));
    }

    private async Task RunAsync(string start, Func<IDuplexPipe, Task<SessionEnd>> run)
    {
        var clients = new PipePair[Sessions];
        var sessions = new Task<SessionEnd>[Sessions];
        for (var i = 0; i < Sessions; i++)
        {
            clients[i] = new PipePair(_pool);
            sessions[i] = run(clients[i].Server);
            await SendAsync(clients[i], Encoding.ASCII.GetBytes(start));
        }

        // The first pieces are waited with, those beyond the limit are let go as they come.
        var most = 0;
        var before = 0L;
        for (var piece = 0; piece < Pieces; piece++)
        {
            before = piece == MostBuffersOfASession ? GC.GetAllocatedBytesForCurrentThread() : before;
            foreach (var client in clients)
            {
                await SendAsync(client, _piece);
                most = Math.Max(most, _pool.Rented);
            }
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.All(sessions, session => Assert.False(session.IsCompleted));
        Assert.Equal(0, _pool.Rented);
        Assert.InRange(most, 1, Sessions * MostBuffersOfASession);
        Assert.InRange(allocated / (Sessions * (Pieces - MostBuffersOfASession)), 0, 1_024);
        foreach (var client in clients)
        {
            await client.Client.Output.CompleteAsync();
        }

        Assert.All(await Task.WhenAll(sessions), end => Assert.Equal(SessionEnd.ConnectionLost, end));
    }

    private static async Task SendAsync(PipePair pipes, byte[] octets)
    {
        await pipes.Client.Output.WriteAsync(octets);
        if (pipes.Client.Input.TryRead(out var answers))
        {
            pipes.Client.Input.AdvanceTo(answers.Buffer.End);
        }
    }
}
