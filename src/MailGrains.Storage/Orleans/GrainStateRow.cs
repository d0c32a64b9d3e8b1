using System.Globalization;
using System.Text;
using MailGrains.Storage.Tables;
using Orleans.Runtime;

namespace MailGrains.Storage.Orleans;

/// <summary>
/// The rows of the table <c>OrleansGrainState</c>, as Orleans' own Azure Storage provider lays them out: one partition a grain, one row a
/// named state, its bytes in <c>Data</c>, <c>Data1</c> … <c>Data14</c> of 64 KiB each. A row without data is a cleared state. States that
/// Orleans' provider wrote as text (<c>StringData</c> …) are read too, never written.
/// <para>One column more than theirs, which they ignore: <c>GrainId</c>. Their keys map <c>/ \ # ?</c> to <c>_</c>, so the grains
/// <c>box/a/b_c</c> and <c>box/a_b/c</c>, of two tenants, have one row; the column tells whose state it is.</para>
/// </summary>
internal static class GrainStateRow
{
    public const int MaxBytes = MaxChunks * TableLimits.MaxPropertyBytes;
    private const int MaxChunks = 15;
    private const string Owner = "GrainId";

    public static string Partition(string serviceId, GrainId grain) => OrleansTableKey.Sanitize($"{serviceId}_{grain}");

    public static string Key(string stateName) => OrleansTableKey.Sanitize(stateName);

    public static Dictionary<string, TableValue> Of(GrainId grain, ReadOnlyMemory<byte>? state)
    {
        var row = new Dictionary<string, TableValue> { [Owner] = grain.ToString() };
        if (state is not { } data)
        {
            return row;
        }

        // A state of no bytes still is one: its empty column tells it from a cleared row.
        var chunk = 0;
        do
        {
            var size = Math.Min(data.Length, TableLimits.MaxPropertyBytes);
            row[Column("Data", chunk++)] = data[..size];
            data = data[size..];
        }
        while (data.Length > 0);
        return row;
    }

    /// <summary>False where the row is another grain's whose key happens to be the same.</summary>
    public static bool IsOf(GrainId grain, TableRow row) => row.Text(Owner) is not { } owner || owner == grain.ToString();

    /// <summary>The bytes of the state, or null where it was cleared.</summary>
    public static BinaryData? State(TableRow row)
    {
        if (row.Bytes("Data") is { } first)
        {
            return row.Bytes(Column("Data", 1)) is null ? new BinaryData(first) : new BinaryData(Join(row));
        }

        if (row.Text("StringData") is not { } text)
        {
            return null;
        }

        var all = new StringBuilder(text);
        for (var chunk = 1; row.Text(Column("StringData", chunk)) is { } more; chunk++)
        {
            all.Append(more);
        }

        return new BinaryData(all.ToString());
    }

    private static byte[] Join(TableRow row)
    {
        var size = 0;
        for (var chunk = 0; row.Bytes(Column("Data", chunk)) is { } bytes; chunk++)
        {
            size += bytes.Length;
        }

        var all = new byte[size];
        var rest = all.AsMemory();
        for (var chunk = 0; row.Bytes(Column("Data", chunk)) is { } bytes; chunk++)
        {
            bytes.CopyTo(rest);
            rest = rest[bytes.Length..];
        }

        return all;
    }

    private static string Column(string name, int chunk) => chunk == 0 ? name : name + chunk.ToString(CultureInfo.InvariantCulture);
}
