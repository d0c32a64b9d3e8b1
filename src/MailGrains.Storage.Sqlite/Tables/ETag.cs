using System.Globalization;

namespace MailGrains.Storage.Sqlite.Tables;

/// <summary>The ETag of a row is the number of the transaction that wrote it, in decimal.</summary>
internal static class ETag
{
    /// <summary>Stands for every version.</summary>
    public const long Any = -1;

    /// <summary>No row has it.</summary>
    public const long None = -2;

    public static string Text(long transaction) => transaction.ToString(CultureInfo.InvariantCulture);

    public static long Parse(string? text) => text switch
    {
        null => None,
        MailGrains.Storage.Tables.TableOperation.Any => Any,
        _ => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var transaction) ? transaction : None,
    };
}
