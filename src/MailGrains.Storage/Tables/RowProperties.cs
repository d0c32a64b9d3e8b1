using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace MailGrains.Storage.Tables;

/// <summary>The properties of a row that has few of them: an array in place of a hash table, since rows are made on hot paths.</summary>
[SuppressMessage("Naming", "CA1710", Justification = "It is what a row has.")]
public sealed class RowProperties(params KeyValuePair<string, TableValue>[] properties) : IReadOnlyDictionary<string, TableValue>
{
    public RowProperties(string name, TableValue value)
        : this(new KeyValuePair<string, TableValue>(name, value))
    {
    }

    public int Count => properties.Length;

    public IEnumerable<string> Keys => properties.Select(p => p.Key);

    public IEnumerable<TableValue> Values => properties.Select(p => p.Value);

    public TableValue this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException(key);

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out TableValue value)
    {
        foreach (var property in properties)
        {
            if (string.Equals(property.Key, key, StringComparison.Ordinal))
            {
                value = property.Value;
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
