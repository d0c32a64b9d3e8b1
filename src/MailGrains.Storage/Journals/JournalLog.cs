using Microsoft.Extensions.Logging;

namespace MailGrains.Storage.Journals;

internal static partial class JournalLog
{
    [LoggerMessage(1, LogLevel.Warning, "Commit to {Partition}: outcome unknown after try {Try}, repeating")]
    public static partial void OutcomeUnknown(this ILogger logger, string partition, int @try, Exception? reason);

    [LoggerMessage(2, LogLevel.Error, "Commit to {Partition}: outcome stayed unknown for {Time}, giving the owner up")]
    public static partial void OutcomeStayedUnknown(this ILogger logger, string partition, TimeSpan time, Exception? reason);

    [LoggerMessage(3, LogLevel.Information, "Commit {Sequence} to {Partition} was stored by a try whose reply was lost")]
    public static partial void RecognisedByBatchId(this ILogger logger, string partition, long sequence);

    [LoggerMessage(4, LogLevel.Warning, "{Partition} has another writer: commit {Sequence} refused, stored is {Stored}")]
    public static partial void Fenced(this ILogger logger, string partition, long sequence, long stored);

    [LoggerMessage(5, LogLevel.Warning, "Snapshot of {Partition} failed; the journal goes on without")]
    public static partial void SnapshotFailed(this ILogger logger, string partition, Exception? reason);

    [LoggerMessage(6, LogLevel.Debug, "Snapshot of {Partition} at {Sequence}: {Segments} segments, head of {HeadBytes} bytes")]
    public static partial void SnapshotWritten(this ILogger logger, string partition, long sequence, int segments, int headBytes);

    [LoggerMessage(7, LogLevel.Information, "{Partition} was changed while it was loaded, starting over (attempt {Attempt})")]
    public static partial void LoadStartsOver(this ILogger logger, string partition, int attempt);

    [LoggerMessage(8, LogLevel.Error, "{Partition}: commit {Sequence} is stored, but the state failed to take it")]
    public static partial void ApplyFailed(this ILogger logger, string partition, long sequence, Exception reason);

    [LoggerMessage(9, LogLevel.Error, "{Partition}: an observer of the journal failed")]
    public static partial void ObserverFailed(this ILogger logger, string partition, Exception reason);
}
