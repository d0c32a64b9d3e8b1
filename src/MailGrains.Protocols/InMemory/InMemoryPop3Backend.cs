using System.Collections.Concurrent;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.InMemory;

/// <summary>Reads an <see cref="InMemoryMailStore"/>; names are addresses.</summary>
public sealed class InMemoryPop3Backend(InMemoryMailStore store) : IPop3Backend
{
    /// <summary>What the session reported as failed.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    public ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken) => new(new Maildrop(store, identity.Name));

    public void Failed(Exception failure) => Failures.Enqueue(failure);

    public ValueTask DisposeAsync() => default;

    private sealed class Maildrop(InMemoryMailStore store, string address) : IPop3Maildrop
    {
        private readonly IReadOnlyList<InMemoryMessage> _messages = store.MessagesOf(address);

        public int Count => _messages.Count;

        public long Octets(int index)
        {
            var content = _messages[index].Content.Span;
            return content.EndsWith("\r\n"u8) || content.IsEmpty ? content.Length : content.Length + 2;
        }

        public string UniqueId(int index) => _messages[index].UniqueId;

        public ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken) =>
            new(store.MessagesOf(address).Contains(_messages[index]) ? new MemoryStream(_messages[index].Content.ToArray(), false) : null);

        public ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken)
        {
            store.Remove(address, indexes.Select(UniqueId).ToHashSet());
            return new(true);
        }

        public ValueTask DisposeAsync() => default;
    }
}
