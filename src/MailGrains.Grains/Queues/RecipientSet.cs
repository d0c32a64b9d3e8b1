using MailGrains.Grains.Records;

namespace MailGrains.Grains.Queues;

/// <summary>Indexes of recipients: a word for up to 64, an array beyond. A value: changing a copy changes no other.</summary>
internal readonly struct RecipientSet
{
    private readonly ulong _low;
    private readonly ulong[]? _more;

    private RecipientSet(ulong low, ulong[]? more) => (_low, _more) = (low, more);

    public bool IsEmpty => _low == 0 && (_more is null || Array.TrueForAll(_more, word => word == 0));

    public int Count => System.Numerics.BitOperations.PopCount(_low) + (_more?.Sum(System.Numerics.BitOperations.PopCount) ?? 0);

    public static RecipientSet All(int count)
    {
        var all = default(RecipientSet);
        return count >= 64 ? Enumerable.Range(0, count).Aggregate(all, (set, index) => set.With(index)) : new RecipientSet((1UL << count) - 1, null);
    }

    public bool Contains(int index) => (Word(index / 64) & (1UL << (index % 64))) != 0;

    public RecipientSet With(int index) => Change(index, Word(index / 64) | (1UL << (index % 64)));

    public RecipientSet Without(int index) => Change(index, Word(index / 64) & ~(1UL << (index % 64)));

    public IEnumerable<int> Indexes()
    {
        for (var word = 0; word <= (_more?.Length ?? 0); word++)
        {
            for (var bits = Word(word); bits != 0; bits &= bits - 1)
            {
                yield return (word * 64) + System.Numerics.BitOperations.TrailingZeroCount(bits);
            }
        }
    }

    public void Write(RecordWriter record)
    {
        record.Number((_more?.Length ?? 0) + 1);
        for (var word = 0; word <= (_more?.Length ?? 0); word++)
        {
            record.Number(Word(word));
        }
    }

    public static RecipientSet Read(ref RecordReader record)
    {
        var words = record.Items();
        var low = words > 0 ? record.Number() : 0;
        var more = words > 1 ? new ulong[words - 1] : null;
        for (var word = 0; word < words - 1; word++)
        {
            more![word] = record.Number();
        }

        return new RecipientSet(low, more);
    }

    private ulong Word(int word) => word == 0 ? _low : _more is not null && word <= _more.Length ? _more[word - 1] : 0;

    private RecipientSet Change(int index, ulong word)
    {
        if (index < 64)
        {
            return new RecipientSet(word, _more);
        }

        var more = new ulong[Math.Max(index / 64, _more?.Length ?? 0)];
        _more?.CopyTo(more, 0);
        more[(index / 64) - 1] = word;
        return new RecipientSet(_low, more);
    }
}
