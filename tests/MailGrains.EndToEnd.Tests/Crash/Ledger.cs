using System.Collections.Concurrent;
using System.Text;
using MailGrains.EndToEnd.Tests.Clients;
using MailGrains.Testing.Hosts;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>
/// What clients know of the messages that they sent, held against what the mailboxes have. A message whose end of data was sent and that
/// was not answered may be kept or not; one that was acknowledged is there exactly once, octet for octet; nothing else is there.
/// </summary>
internal sealed class Ledger
{
    private const int SmallBytes = 700;
    private const int LargeBytes = 100_000;

    private readonly ConcurrentDictionary<int, Sent> _sent = [];
    private readonly IReadOnlyList<string> _mailboxes;
    private readonly List<Inbox> _inboxes;
    private readonly string _password;
    private int _numbers;

    /// <param name="mailboxes">Addresses of at least two mailboxes, to which messages go in turn.</param>
    /// <param name="password">Of all mailboxes.</param>
    /// <param name="others">Mailboxes that get what is meant for them only.</param>
    public Ledger(IReadOnlyList<string> mailboxes, string password, params IEnumerable<string> others)
    {
        _mailboxes = mailboxes;
        _inboxes = [.. mailboxes.Concat(others).Select(m => new Inbox(m))];
        _password = password;
    }

    /// <summary>Counts up with each <see cref="VerifyAsync"/>: a message can appear only after it was sent in the span before.</summary>
    public int Round { get; private set; }

    public int Acknowledged => _sent.Values.Count(s => s.IsAcknowledged);

    /// <summary>
    /// The next message of this run: most are small; one in eight is too large to be kept inline, one in eight goes to two mailboxes, and
    /// some are both.
    /// </summary>
    public TestMessage Next()
    {
        var number = Interlocked.Increment(ref _numbers);
        var first = number % _mailboxes.Count;
        string[] recipients = number % 8 == 5 || number % 48 == 3
            ? [_mailboxes[first], _mailboxes[(first + 1 + (number / 8 % (_mailboxes.Count - 1))) % _mailboxes.Count]]
            : [_mailboxes[number / 8 % _mailboxes.Count]];
        return Add(new TestMessage(number, number % 8 == 3 ? LargeBytes + (number % 1000) : SmallBytes + (number % 3000), recipients));
    }

    /// <summary>One more message, of that size and to these mailboxes.</summary>
    public TestMessage Next(int bytes, IReadOnlyList<string> recipients) => Add(new TestMessage(Interlocked.Increment(ref _numbers), bytes, recipients));

    /// <summary>From now on the server may keep the message.</summary>
    public void HandsOver(TestMessage message) => _sent[message.Number].Round = Round;

    public void Acknowledge(TestMessage message) => _sent[message.Number].IsAcknowledged = true;

    /// <summary>
    /// Compares all mailboxes with what is known, while nobody sends. Only what is new since the last time is read.
    /// </summary>
    /// <returns>How many messages have appeared whose clients were not answered.</returns>
    public async Task<int> VerifyAsync(HostProcess host, CancellationToken cancellationToken)
    {
        var appeared = await Task.WhenAll(_inboxes.Select(i => ReadAsync(host, i, cancellationToken)));
        var missing = from sent in _sent.Values
                      where sent.IsAcknowledged
                      from recipient in sent.Message.Recipients
                      where !_inboxes.Single(i => i.Address == recipient).Uids.ContainsKey(sent.Message.Number)
                      select $"{sent.Message.Number} to {recipient}";
        Assert.Empty(missing);
        Round++;
        return appeared.SelectMany(numbers => numbers).Distinct().Count(number => !_sent[number].IsAcknowledged);
    }

    /// <summary>Reads all mailboxes from the start.</summary>
    public async Task VerifyAllAsync(HostProcess host, CancellationToken cancellationToken)
    {
        foreach (var inbox in _inboxes)
        {
            inbox.Known.Clear();
            inbox.Uids.Clear();
        }

        foreach (var sent in _sent.Values)
        {
            sent.Round = Round;
        }

        await VerifyAsync(host, cancellationToken);
    }

    private TestMessage Add(TestMessage message)
    {
        _sent[message.Number] = new Sent(message);
        return message;
    }

    /// <summary>Reads what is new in one mailbox; the numbers of it.</summary>
    private async Task<List<int>> ReadAsync(HostProcess host, Inbox inbox, CancellationToken cancellationToken)
    {
        using var session = await Pop3Session.LogInAsync(host.Pop3, inbox.Address, _password, cancellationToken);
        var list = await session.ListAsync(cancellationToken);
        Assert.Empty(inbox.Known.Except(list.Select(l => l.Uid)));
        List<int> appeared = [];
        foreach (var (number, uid) in list)
        {
            if (inbox.Known.Add(uid))
            {
                appeared.Add(Compare(await session.RetrieveAsync(number, cancellationToken), inbox, uid));
            }
        }

        return appeared;
    }

    private int Compare(byte[] kept, Inbox inbox, string uid)
    {
        var (number, start) = TestMessage.Find(kept);
        Assert.True(_sent.TryGetValue(number, out var sent), $"Message {number} was not sent.");
        Assert.Contains(inbox.Address, sent.Message.Recipients);
        Assert.True(sent.Round == Round, $"Message {number} was sent in round {sent.Round} and appears in {inbox.Address} after round {Round}.");
        Assert.True(inbox.Uids.TryAdd(number, uid), $"Message {number} is in {inbox.Address} twice: {uid} and {inbox.Uids.GetValueOrDefault(number)}.");
        Assert.True(kept.AsSpan(start).SequenceEqual(sent.Message.Content()), $"Message {number} in {inbox.Address} ({uid}) is not what was sent.");
        var trace = Encoding.ASCII.GetString(kept, 0, start);
        Assert.StartsWith($"Return-Path: <{sent.Message.Sender}>\r\nDelivered-To: {inbox.Address}\r\nReceived: from client.test ", trace, StringComparison.Ordinal);
        Assert.EndsWith(" +0000\r\n", trace, StringComparison.Ordinal);
        return number;
    }

    private sealed class Sent(TestMessage message)
    {
        public TestMessage Message => message;

        /// <summary>When its end of data was sent last; -1: never yet.</summary>
        public int Round { get; set; } = -1;

        public bool IsAcknowledged { get; set; }
    }

    private sealed class Inbox(string address)
    {
        public string Address => address;

        /// <summary>The unique ids that were read and compared.</summary>
        public HashSet<string> Known { get; } = [];

        /// <summary>Unique id by message number.</summary>
        public Dictionary<int, string> Uids { get; } = [];
    }
}
