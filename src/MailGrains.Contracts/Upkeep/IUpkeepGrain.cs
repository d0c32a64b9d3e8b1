namespace MailGrains.Contracts.Upkeep;

/// <summary>
/// Looks after one storage account: wakes mailboxes that have something to purge, and removes blobs that a crash has left. Key: the number
/// of the account. Runs by a reminder; nothing depends on when.
/// </summary>
[Alias("mailgrains.IUpkeepGrain")]
public interface IUpkeepGrain : IGrainWithIntegerKey
{
    /// <summary>Makes sure that the reminder exists; called at the start of each silo.</summary>
    [Alias("Start")]
    ValueTask StartAsync(CancellationToken cancellationToken);

    /// <summary>Does what is due now, in bounded steps, for some minutes at the most.</summary>
    [Alias("Run"), ResponseTimeout("00:10:00")]
    ValueTask<UpkeepReport> RunAsync(CancellationToken cancellationToken);
}

/// <param name="Mailboxes">Mailboxes that had something due.</param>
/// <param name="Messages">Messages whose rows and blobs were removed.</param>
/// <param name="Blobs">Bodies' blobs without a holder that were removed.</param>
/// <param name="Snapshots">Snapshots' blobs that no journal names and that were removed.</param>
/// <param name="Complete">Nothing that was due is left.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.UpkeepReport")]
public sealed record UpkeepReport(
    [property: Id(0)] int Mailboxes, [property: Id(1)] long Messages, [property: Id(2)] long Blobs, [property: Id(3)] long Snapshots,
    [property: Id(4)] bool Complete);
