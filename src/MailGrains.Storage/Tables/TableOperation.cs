namespace MailGrains.Storage.Tables;

public enum TableOperationKind : byte
{
    /// <summary>The row must not exist.</summary>
    Insert = 1,

    /// <summary>
    /// The row must exist with the ETag <see cref="TableOperation.IfMatch"/> (<see cref="TableOperation.Any"/>: any version); all its
    /// properties are replaced.
    /// </summary>
    Replace = 2,

    /// <summary>Written whether it exists or not; all its properties are replaced.</summary>
    Upsert = 3,

    /// <summary>The row must exist with the ETag <see cref="TableOperation.IfMatch"/> (<see cref="TableOperation.Any"/>: any version).</summary>
    Delete = 4,
}

/// <summary>One operation of a transaction; a transaction names a row once at the most.</summary>
public sealed record TableOperation(
    TableOperationKind Kind, string Row, IReadOnlyDictionary<string, TableValue> Properties, string? IfMatch)
{
    /// <summary>The ETag that matches every version of an existing row.</summary>
    public const string Any = "*";

    private static readonly Dictionary<string, TableValue> None = [];

    public static TableOperation Insert(string row, IReadOnlyDictionary<string, TableValue> properties) =>
        new(TableOperationKind.Insert, row, properties, null);

    public static TableOperation Replace(string row, IReadOnlyDictionary<string, TableValue> properties, string ifMatch) =>
        new(TableOperationKind.Replace, row, properties, ifMatch);

    public static TableOperation Upsert(string row, IReadOnlyDictionary<string, TableValue> properties) =>
        new(TableOperationKind.Upsert, row, properties, null);

    public static TableOperation Delete(string row, string ifMatch = Any) => new(TableOperationKind.Delete, row, None, ifMatch);
}

/// <summary>
/// How a transaction ended when its end is known. <see cref="ETags"/> holds the new ETag of each operation in order (empty for a delete);
/// when not committed, <see cref="FailedOperation"/> is the index of an operation whose condition did not hold, or -1 where the store
/// did not say.
/// </summary>
public readonly record struct TableCommit(bool Committed, IReadOnlyList<string> ETags, int FailedOperation)
{
    public static TableCommit Success(IReadOnlyList<string> etags) => new(true, etags, -1);

    public static TableCommit Conflict(int failedOperation) => new(false, [], failedOperation);
}
