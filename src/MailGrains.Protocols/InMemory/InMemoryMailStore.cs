namespace MailGrains.Protocols.InMemory;

/// <summary>One kept message.</summary>
public sealed record InMemoryMessage(string UniqueId, ReadOnlyMemory<byte> Content);

/// <summary>
/// Mailboxes in memory, behind the in-memory backends of SMTP and POP3: for tests, demos and benchmarks of the protocols alone. Names are compared
/// without case. Safe for any number of sessions.
/// </summary>
public sealed class InMemoryMailStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Mailbox> _mailboxes = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _domains = new(StringComparer.OrdinalIgnoreCase);
    private int _lastId;

    /// <param name="maxMessages">With so many messages the mailbox is full.</param>
    public void AddMailbox(string localpart, string domain, string password, int maxMessages = int.MaxValue)
    {
        lock (_gate)
        {
            _domains.Add(domain);
            _mailboxes.Add($"{localpart}@{domain}", new Mailbox(password, maxMessages));
        }
    }

    public bool HasDomain(string domain)
    {
        lock (_gate)
        {
            return _domains.Contains(domain);
        }
    }

    public bool HasMailbox(string address)
    {
        lock (_gate)
        {
            return _mailboxes.ContainsKey(address);
        }
    }

    public bool IsFull(string address)
    {
        lock (_gate)
        {
            return _mailboxes.TryGetValue(address, out var mailbox) && mailbox.Messages.Count >= mailbox.MaxMessages;
        }
    }

    public bool IsPassword(string address, string password)
    {
        lock (_gate)
        {
            return _mailboxes.TryGetValue(address, out var mailbox) && mailbox.Password == password;
        }
    }

    /// <summary>Adds one message to every mailbox named.</summary>
    public void Deliver(IEnumerable<string> addresses, ReadOnlyMemory<byte> content)
    {
        lock (_gate)
        {
            foreach (var address in addresses)
            {
                _mailboxes[address].Messages.Add(new InMemoryMessage($"m{++_lastId}", content));
            }
        }
    }

    /// <summary>The messages of a mailbox as they are now.</summary>
    public IReadOnlyList<InMemoryMessage> MessagesOf(string address)
    {
        lock (_gate)
        {
            return [.. _mailboxes[address].Messages];
        }
    }

    public void Remove(string address, IReadOnlySet<string> uniqueIds)
    {
        lock (_gate)
        {
            _mailboxes[address].Messages.RemoveAll(message => uniqueIds.Contains(message.UniqueId));
        }
    }

    private sealed record Mailbox(string Password, int MaxMessages)
    {
        public List<InMemoryMessage> Messages { get; } = [];
    }
}
