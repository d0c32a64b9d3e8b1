namespace MailGrains.Contracts.Mailboxes;

/// <summary>What upkeep and operators ask of a mailbox; the same grain as <see cref="IMailboxGrain"/>.</summary>
[Alias("mailgrains.IMailboxUpkeep")]
public interface IMailboxUpkeep : IGrainWithStringKey
{
    /// <summary>
    /// Removes the rows and blobs of expunged messages whose undo window is over or that are above the bounds, and all of a deleted mailbox: some
    /// seconds' work at the most.
    /// </summary>
    /// <param name="eraseNow">Skips the undo window.</param>
    /// <exception cref="StoreUnavailableException">Some of it may have been done; the rest waits for the next call.</exception>
    [Alias("Purge"), ResponseTimeout("00:01:00")]
    ValueTask<PurgeReport> PurgeAsync(bool eraseNow, CancellationToken cancellationToken);
}

/// <param name="Messages">How many were removed from the store.</param>
/// <param name="NextDue">When there will be more to remove (a time that has passed: now); null when nothing waits.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.PurgeReport")]
public sealed record PurgeReport([property: Id(0)] int Messages, [property: Id(1)] DateTimeOffset? NextDue);
