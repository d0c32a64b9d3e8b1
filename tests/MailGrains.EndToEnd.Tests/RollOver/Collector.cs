using System.Collections.Concurrent;
using System.Net;
using MailGrains.EndToEnd.Tests.Clients;

namespace MailGrains.EndToEnd.Tests.RollOver;

/// <summary>
/// A user who reads a mailbox by POP3 and deletes what was read, again and again. Each message that was sent there is read once and as it was sent: what
/// QUIT has deleted never comes again, and what a session without QUIT has marked is still there.
/// </summary>
internal sealed class Collector(string address, string password)
{
    private const int MostAtOnce = 20;

    private readonly ConcurrentDictionary<int, TestMessage> _sent = new();
    private readonly ConcurrentDictionary<int, bool> _collected = new();
    private readonly ConcurrentDictionary<int, bool> _uncertain = new();

    public string Address => address;

    /// <summary>Messages that were read and deleted.</summary>
    public int Collected => _collected.Count;

    public void Expect(TestMessage message) => _sent[message.Number] = message;

    /// <summary>One session; how many messages it took.</summary>
    /// <exception cref="IOException">It was refused, or broken off.</exception>
    public async Task<int> CollectAsync(IPEndPoint server, CancellationToken cancellationToken)
    {
        using var session = await Pop3Session.LogInAsync(server, address, password, cancellationToken);
        List<int> read = [];
        foreach (var (number, _) in (await session.ListAsync(cancellationToken)).Take(MostAtOnce))
        {
            var kept = await session.RetrieveAsync(number, cancellationToken);
            var (sent, start) = TestMessage.Find(kept);
            Assert.True(kept.AsSpan(start).SequenceEqual(_sent[sent].Content()), $"Message {sent} in {address} is not what was sent.");
            await session.DeleteAsync(number, cancellationToken);
            read.Add(sent);
        }

        try
        {
            await session.QuitAsync(cancellationToken);
        }
        catch (IOException)
        {
            // They may be deleted, or still be there.
            read.ForEach(number => _uncertain[number] = true);
            throw;
        }

        Assert.All(read, number => Assert.True(_collected.TryAdd(number, true), $"Message {number} was in {address} twice, or came again."));
        return read.Count;
    }

    /// <summary>Reads the rest, and holds all that was read against what was acknowledged.</summary>
    public async Task VerifyAsync(IPEndPoint server, IEnumerable<int> acknowledged, CancellationToken cancellationToken)
    {
        while (await CollectAsync(server, cancellationToken) > 0)
        {
            // There may be more.
        }

        Assert.Empty(acknowledged.Where(_sent.ContainsKey).Except(_collected.Keys).Except(_uncertain.Keys));
    }
}
