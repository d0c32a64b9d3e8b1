using System.Security.Cryptography;
using System.Text;
using MailGrains.Protocols.Sasl;

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
    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);
    private readonly byte[] _unknownNamesKey = RandomNumberGenerator.GetBytes(32);
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

    /// <summary>A bearer token that logs its owner in.</summary>
    public void AddToken(string address, string token)
    {
        lock (_gate)
        {
            _tokens[token] = address;
        }
    }

    public string? OwnerOfToken(string token)
    {
        lock (_gate)
        {
            return _tokens.GetValueOrDefault(token);
        }
    }

    /// <summary>Made when it is first asked for; of an unknown name always the same one, which no password fits.</summary>
    public ScramSecret ScramSecretOf(string address, ScramHash hash)
    {
        lock (_gate)
        {
            if (_mailboxes.TryGetValue(address, out var mailbox))
            {
                return hash == ScramHash.Sha1 ? mailbox.Sha1Secret : mailbox.Sha256Secret;
            }

            var made = HMACSHA512.HashData(_unknownNamesKey, Encoding.UTF8.GetBytes(address.ToUpperInvariant()));
            var key = made[..ScramSecret.BytesOf(hash)];
            return new ScramSecret(hash, made[^16..], Mailbox.ScramIterations, key, key);
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
        public const int ScramIterations = 4_096;

        public ScramSecret Sha1Secret => field ??= Secret(ScramHash.Sha1);

        public ScramSecret Sha256Secret => field ??= Secret(ScramHash.Sha256);

        public List<InMemoryMessage> Messages { get; } = [];

        private ScramSecret Secret(ScramHash hash) => ScramSecret.Derive(hash, Password, RandomNumberGenerator.GetBytes(16), ScramIterations);
    }
}
