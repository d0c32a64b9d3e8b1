using System.Collections.Immutable;
using MailGrains.Grains.Records;

namespace MailGrains.Grains.Mailboxes.Index;

/// <summary>
/// The keywords of a mailbox: each gets a bit for ever, in the spelling that came first. 64 of them: one more is refused to a session
/// (RFC 9051 §2.3.2 lets a server limit them) and left out at a delivery.
/// </summary>
internal sealed class KeywordTable
{
    public const int MaxKeywords = 64;
    public const int MaxChars = 255;
    private const int MaxCached = 512;
    private static readonly (string Name, MessageFlags Flag)[] System =
    [
        ("\\Answered", MessageFlags.Answered), ("\\Deleted", MessageFlags.Deleted), ("\\Draft", MessageFlags.Draft),
        ("\\Flagged", MessageFlags.Flagged), ("\\Seen", MessageFlags.Seen),
    ];

    private readonly List<string> _keywords = [];
    private readonly Dictionary<FlagBits, ImmutableArray<string>> _names = [];

    public int Count => _keywords.Count;

    public static bool TryFlag(string name, out MessageFlags flag)
    {
        flag = System.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Flag;
        return flag != MessageFlags.None;
    }

    /// <summary>RFC 9051 §9: a flag-keyword is an atom.</summary>
    public static bool IsKeyword(string name) =>
        name.Length is > 0 and <= MaxChars && !name.Any(c => c is <= ' ' or >= '\x7f' or '(' or ')' or '{' or '%' or '*' or '"' or '\\' or ']');

    /// <summary>The bit's number, or -1.</summary>
    public int Find(string keyword) => _keywords.FindIndex(k => k.Equals(keyword, StringComparison.OrdinalIgnoreCase));

    public void Add(string keyword)
    {
        if (_keywords.Count == MaxKeywords)
        {
            throw RecordReader.Damaged();
        }

        _keywords.Add(keyword);
    }

    /// <summary>Flags first, then keywords; the same bits give the same array.</summary>
    public ImmutableArray<string> Names(FlagBits bits)
    {
        if (_names.TryGetValue(bits, out var known))
        {
            return known;
        }

        var names = ImmutableArray.CreateBuilder<string>();
        names.AddRange(System.Where(s => (bits.Flags & s.Flag) != 0).Select(s => s.Name));
        names.AddRange(_keywords.Where((_, bit) => (bits.Keywords & (1UL << bit)) != 0));
        if (_names.Count == MaxCached)
        {
            _names.Clear();
        }

        return _names[bits] = names.ToImmutable();
    }

    public void Write(RecordWriter record)
    {
        record.Number(_keywords.Count);
        _keywords.ForEach(record.Text);
    }

    public static KeywordTable Read(ref RecordReader record)
    {
        var table = new KeywordTable();
        for (var left = record.Items(); left > 0; left--)
        {
            table.Add(record.Text());
        }

        return table;
    }
}
