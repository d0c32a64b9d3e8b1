using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Storage.Tables;

/// <summary>
/// The properties of a row that has a handful of them: one array instead of a hash table, since rows are made once a message.
/// Names are looked up by comparing them in turn.
/// </summary>
public sealed class PropertyCollection(params KeyValuePair<string, TableValue>[] properties) : IReadOnlyDictionary<string, TableValue>
{
    public TableValue this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException(key);

    public IEnumerable<string> Keys => properties.Select(p => p.Key);

    public IEnumerable<TableValue> Values => properties.Select(p => p.Value);

    public int Count => properties.Length;

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TableValue value)
    {
        foreach (var (name, candidate) in properties)
        {
            if (string.Equals(name, key, StringComparison.Ordinal))
            {
                value = candidate;
                return true;
            }
        }

        value = default;
        return false;
    }

    public IEnumerator<KeyValuePair<string, TableValue>> GetEnumerator() =>
        ((IEnumerable<KeyValuePair<string, TableValue>>)properties).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => properties.GetEnumerator();
}
