namespace MailGrains.Storage;

/// <summary>What is known of a failed call to a store.</summary>
public enum StoreFailure
{
    /// <summary>The caller's data break a limit; nothing was written and a repeat fails again.</summary>
    Refused = 1,

    /// <summary>There is no room; nothing was written.</summary>
    Full = 2,

    /// <summary>The store is busy, slow or gone; nothing was written.</summary>
    Unavailable = 3,

    /// <summary>The call may or may not have been carried out.</summary>
    Unknown = 4,

    /// <summary>What is stored has a newer format than this release reads, or is damaged.</summary>
    Unreadable = 5,
}

/// <summary>A failed call to a store; all but <see cref="StoreFailure.Refused"/> are temporary to a mail client.</summary>
public sealed class StoreException(StoreFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public StoreFailure Failure { get; } = failure;
}
