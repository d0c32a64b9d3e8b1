namespace MailGrains.Storage.Tables;

/// <summary>A stored row with the ETag of the version that was read.</summary>
public sealed record TableRow(string Partition, string Row, string ETag, IReadOnlyDictionary<string, TableValue> Properties)
{
    public string? Text(string property) => Properties.TryGetValue(property, out var value) ? value.AsText : null;

    public ReadOnlyMemory<byte>? Bytes(string property) => Properties.TryGetValue(property, out var value) ? value.AsBytes : null;

    public long? Number(string property) => Properties.TryGetValue(property, out var value) ? value.AsNumber : null;
}

public enum TableValueKind : byte
{
    Text = 1,
    Bytes = 2,
    Number = 3,
}

/// <summary>A property's value: text, bytes or a 64-bit number, the three of Azure Tables' types that the project stores.</summary>
public readonly struct TableValue
{
    private readonly string? _text;
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly long _number;

    private TableValue(TableValueKind kind, string? text, ReadOnlyMemory<byte> bytes, long number)
    {
        Kind = kind;
        _text = text;
        _bytes = bytes;
        _number = number;
    }

    public TableValueKind Kind { get; }

    public string? AsText => Kind == TableValueKind.Text ? _text : null;

    public ReadOnlyMemory<byte>? AsBytes => Kind == TableValueKind.Bytes ? _bytes : null;

    public long? AsNumber => Kind == TableValueKind.Number ? _number : null;

    public static TableValue Of(string text) => new(TableValueKind.Text, text, default, 0);

    public static TableValue Of(ReadOnlyMemory<byte> bytes) => new(TableValueKind.Bytes, null, bytes, 0);

    public static TableValue Of(long number) => new(TableValueKind.Number, null, default, number);

    public static implicit operator TableValue(string text) => Of(text);

    public static implicit operator TableValue(ReadOnlyMemory<byte> bytes) => Of(bytes);

    public static implicit operator TableValue(byte[] bytes) => Of(bytes);

    public static implicit operator TableValue(long number) => Of(number);
}
