namespace MailGrains.Storage.Tables;

/// <summary>
/// What a row and a transaction may hold, on every store. Azure's own limits, save the transaction's size, which is taken
/// as encoded on the wire (binary as base64) with room for the envelope.
/// Source: Azure Table service, "Understanding the Table service data model" and "Performing entity group transactions".
/// </summary>
public static class TableLimits
{
    public const int MaxOperations = 100;
    public const int MaxTransactionBytes = 3 * 1024 * 1024;
    public const int MaxRowBytes = 1024 * 1024;
    public const int MaxPropertyBytes = 64 * 1024;
    public const int MaxProperties = 252;
    public const int MaxKeyChars = 512;
    public const int MaxPropertyNameChars = 255;

    /// <summary>Bytes that a row takes on the wire: keys, names, text as JSON, binary as base64, and 64 bytes a property for its frame.</summary>
    public static int EncodedSize(string row, IReadOnlyDictionary<string, TableValue> properties)
    {
        var size = 256 + TextSize(row);
        foreach (var (name, value) in properties)
        {
            size += 64 + name.Length + value.Kind switch
            {
                TableValueKind.Text => TextSize(value.AsText!),
                TableValueKind.Bytes => (value.AsBytes!.Value.Length + 2) / 3 * 4,
                _ => 20,
            };
        }

        return size;
    }

    /// <summary>The reason why these operations can't be a transaction, or null when they can.</summary>
    public static string? Violation(string partition, IReadOnlyList<TableOperation> operations)
    {
        if (operations.Count is 0 or > MaxOperations)
        {
            return $"a transaction holds 1 to {MaxOperations} operations, not {operations.Count}";
        }

        if (KeyViolation(partition) is { } badPartition)
        {
            return "partition key: " + badPartition;
        }

        var total = 0;
        var rows = operations.Count > 1 ? new HashSet<string>(operations.Count, StringComparer.Ordinal) : null;
        foreach (var operation in operations)
        {
            if (RowViolation(operation) is { } badRow)
            {
                return badRow;
            }

            if (rows?.Add(operation.Row) == false)
            {
                return $"row '{operation.Row}' stands twice in one transaction";
            }

            total += EncodedSize(operation.Row, operation.Properties);
            if (total > MaxTransactionBytes)
            {
                return $"a transaction takes {MaxTransactionBytes} bytes as encoded";
            }
        }

        return null;
    }

    /// <summary>The reason why this operation breaks a limit by itself, or null.</summary>
    public static string? RowViolation(TableOperation operation)
    {
        if (KeyViolation(operation.Row) is { } badKey)
        {
            return "row key: " + badKey;
        }

        if (operation.Properties.Count > MaxProperties)
        {
            return $"row '{operation.Row}' has more than {MaxProperties} properties";
        }

        // 1 MiB counts the values as stored: text as UTF-16, binary as it is (Azure's data model page).
        var size = 2 * operation.Row.Length + 4;
        foreach (var (name, value) in operation.Properties)
        {
            var bytes = value.Kind switch
            {
                TableValueKind.Text => 2 * value.AsText!.Length,
                TableValueKind.Bytes => value.AsBytes!.Value.Length,
                _ => 8,
            };
            if (NameViolation(name) is { } badName)
            {
                return $"property '{name}' of row '{operation.Row}': {badName}";
            }

            if (value.Kind == TableValueKind.Text && !IsUtf16(value.AsText!))
            {
                return $"property '{name}' of row '{operation.Row}' holds text that is no valid UTF-16";
            }

            if (bytes > MaxPropertyBytes)
            {
                return $"property '{name}' of row '{operation.Row}' has more than {MaxPropertyBytes} bytes";
            }

            size += bytes + 2 * name.Length + 8;
        }

        return size > MaxRowBytes ? $"row '{operation.Row}' has more than {MaxRowBytes} bytes" : null;
    }

    /// <summary>The reason why a key can't be stored, or null. Keys made of user data go through <see cref="TableKey"/> first.</summary>
    public static string? KeyViolation(string key)
    {
        if (key.Length is 0 or > MaxKeyChars)
        {
            return $"a key has 1 to {MaxKeyChars} characters, not {key.Length}";
        }

        foreach (var c in key)
        {
            if (c is '/' or '\\' or '#' or '?' || c < ' ' || (c >= '\x7f' && c <= '\x9f'))
            {
                return $"a key must not hold the character U+{(int)c:X4}";
            }
        }

        return IsUtf16(key) ? null : "a key is to be valid UTF-16";
    }

    // The service's client writes what is not plain ASCII, and what HTML or JSON give a meaning to, as \uXXXX.
    private static int TextSize(string text)
    {
        var size = text.Length;
        foreach (var c in text)
        {
            size += c is < ' ' or > '~' or '"' or '\\' or '<' or '>' or '&' or '\'' or '+' or '`' ? 5 : 0;
        }

        return size;
    }

    /// <summary>The reason why a property can't have this name, or null: names are identifiers, and three belong to the service.</summary>
    private static string? NameViolation(string name)
    {
        if (name.Length is 0 or > MaxPropertyNameChars)
        {
            return $"a name has 1 to {MaxPropertyNameChars} characters";
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_')
            {
                return "a name consists of ASCII letters, digits and '_'";
            }
        }

        return char.IsAsciiDigit(name[0]) ? "a name does not start with a digit"
            : name is "PartitionKey" or "RowKey" or "Timestamp" ? "the name is the service's own"
            : null;
    }

    private static bool IsUtf16(ReadOnlySpan<char> text)
    {
        for (var i = text.IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0; i = text.IndexOfAnyInRange('\uD800', '\uDFFF'))
        {
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
            {
                return false;
            }

            text = text[(i + 2)..];
        }

        return true;
    }
}
