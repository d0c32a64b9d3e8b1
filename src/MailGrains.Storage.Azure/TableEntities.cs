using System.Globalization;
using System.Runtime.InteropServices;
using Azure.Data.Tables;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Azure;

/// <summary>Rows as entities and back. Of the service's types ours are text, binary and Int64.</summary>
internal static class TableEntities
{
    public static TableEntity ToEntity(string partition, TableOperation operation)
    {
        var entity = new TableEntity(partition, operation.Row);
        foreach (var (name, value) in operation.Properties)
        {
            entity[name] = value.Kind switch
            {
                TableValueKind.Text => value.AsText,
                TableValueKind.Bytes => WholeArray(value.AsBytes!.Value),
                _ => value.AsNumber,
            };
        }

        return entity;
    }

    public static TableRow ToRow(TableEntity entity)
    {
        var properties = new Dictionary<string, TableValue>(entity.Count, StringComparer.Ordinal);
        foreach (var (name, value) in entity)
        {
            if (value is not null && name is not ("PartitionKey" or "RowKey" or "Timestamp") && !name.StartsWith("odata.", StringComparison.Ordinal))
            {
                properties[name] = ToValue(value);
            }
        }

        return new TableRow(entity.PartitionKey, entity.RowKey, entity.ETag.ToString(), properties);
    }

    /// <summary>Types that other tools write are kept readable as text (Int32 as a number).</summary>
    private static TableValue ToValue(object value) => value switch
    {
        string text => text,
        byte[] bytes => bytes,
        BinaryData data => data.ToMemory(),
        long number => number,
        int number => (long)number,
        bool truth => truth ? "true" : "false",
        DateTimeOffset time => time.ToString("O", CultureInfo.InvariantCulture),
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    /// <summary>The SDK takes arrays only: the one under the memory where it is the whole of it, else a copy.</summary>
    private static byte[] WholeArray(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Offset == 0 && segment.Count == segment.Array!.Length
            ? segment.Array
            : bytes.ToArray();
}
