using Azure;

namespace MailGrains.Storage.Azure;

/// <summary>
/// What an error of the storage services means. The rule: a status that the service sends before it carries anything out, or a request
/// that was never sent, wrote nothing; anything else may have written. Only a broken limit is the caller's fault.
/// Source: Azure Storage, "Common REST API error codes", "Table service error codes", "Blob service error codes".
/// </summary>
internal static class AzureFailure
{
    public const string TableNotFound = "TableNotFound";

    /// <summary>A failed write.</summary>
    public static StoreException OfWrite(string what, Exception error) =>
        new(WriteFailure(error), $"{what}: {Describe(error)}", error);

    /// <summary>A failed read: it has written nothing.</summary>
    public static StoreException OfRead(string what, Exception error)
    {
        var failure = error is RequestFailedException { Status: 400 } e && IsLimit(e.ErrorCode) ? StoreFailure.Refused
            : error is FormatException or NotSupportedException or InvalidCastException ? StoreFailure.Unreadable
            : StoreFailure.Unavailable;
        return new StoreException(failure, $"{what}: {Describe(error)}", error);
    }

    /// <summary>Whether a condition of a transaction did not hold: the row is there, is not there, or has another version.</summary>
    public static bool IsConflict(RequestFailedException error) => error.Status switch
    {
        404 => error.ErrorCode is "ResourceNotFound" or "EntityNotFound",
        409 => error.ErrorCode is "EntityAlreadyExists",
        412 => true,
        _ => false,
    };

    private static StoreFailure WriteFailure(Exception error) => error switch
    {
        NothingSentException => StoreFailure.Unavailable,
        RequestFailedException e => e.Status switch
        {
            507 => StoreFailure.Full,
            400 or 413 when IsLimit(e.ErrorCode) || e.Status == 413 => StoreFailure.Refused,
            // Authentication, roles that have not spread yet, a missing table or container, throttling: refused at the door.
            400 or 401 or 403 or 404 or 405 or 409 or 411 or 412 or 415 or 416 or 429 or 501 or 503 => StoreFailure.Unavailable,
            _ => StoreFailure.Unknown,
        },
        _ => StoreFailure.Unknown,
    };

    private static bool IsLimit(string? code) => code is
        "EntityTooLarge" or "PropertyValueTooLarge" or "PropertyNameTooLong" or "PropertyNameInvalid" or "KeyValueTooLarge" or
        "TooManyProperties" or "OutOfRangeInput" or "RequestBodyTooLarge" or "ContentLengthExceeded" or "InvalidDuplicateRow";

    /// <summary>Status and code, without the body and headers that the SDK adds: those may hold a signature.</summary>
    private static string Describe(Exception error) => error switch
    {
        RequestFailedException { Status: > 0 } e => $"the service answered {e.Status} {e.ErrorCode}",
        RequestFailedException e => (e.InnerException ?? e).Message,
        AggregateException e when e.InnerExceptions.Count > 0 => $"{e.InnerExceptions[^1].Message} ({e.InnerExceptions.Count} attempts)",
        _ => error.Message,
    };
}
