using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Grains.Relay.Destinations;

/// <summary>A bounded map: when there are more, what was asked for longest ago goes. Thread-safe.</summary>
internal sealed class RecentlyUsed<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _known = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _byUse = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _known.Count;
            }
        }
    }

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_gate)
        {
            value = default;
            if (!_known.TryGetValue(key, out var node))
            {
                return false;
            }

            _byUse.Remove(node);
            _byUse.AddLast(node);
            value = node.Value.Value;
            return true;
        }
    }

    /// <summary>What is there and still good, or else a new one.</summary>
    public TValue GetOrAdd(TKey key, Func<TValue, bool> isGood, Func<TValue> make)
    {
        lock (_gate)
        {
            if (TryGet(key, out var found) && isGood(found))
            {
                return found;
            }

            var made = make();
            Set(key, made);
            return made;
        }
    }

    public void Set(TKey key, TValue value)
    {
        lock (_gate)
        {
            if (_known.Remove(key, out var old))
            {
                _byUse.Remove(old);
            }
            else if (_known.Count >= capacity)
            {
                _known.Remove(_byUse.First!.Value.Key);
                _byUse.RemoveFirst();
            }

            _known[key] = _byUse.AddLast((key, value));
        }
    }
}
