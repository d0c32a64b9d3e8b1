using MailGrains.Contracts.Relay;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Journals;
using Microsoft.Extensions.Logging;

namespace MailGrains.Grains.Queues;

/// <summary>What all queues of a silo share.</summary>
public sealed class QueueParts
{
    private readonly ISiloStatusOracle _silos;

    public QueueParts(
        StorageAccounts accounts, BodyBlobs blobs, QueueOptions options, JournalOptions journal, QueueCatalog catalog, IGrainFactory grains,
        ISiloStatusOracle silos, IClusterManifestProvider manifests, LocalRetry local, GrainMetrics metrics, ILogger<DomainQueueGrain> logger)
    {
        (Accounts, Blobs, Options, Catalog, Local, Metrics) = (accounts, blobs, options, catalog, local, metrics);
        _silos = silos;
        Relay = grains.GetGrain<IRelayGrain>(0);

        // A stateless worker is called on the caller's silo where that has it.
        var hasRelay = manifests.LocalGrainManifest.Grains.ContainsKey(((GrainReference)Relay).GrainId.Type);
        OwnSender = hasRelay ? silos.SiloAddress.ToParsableString() : null;
        Log = new QueueLog(logger);

        // Nobody looks back into a queue, and it commits three times a message.
        Journal = journal with { UndoWindow = TimeSpan.FromHours(1), SnapshotAfterCommits = 2_000, SnapshotAfterBytes = 2 * 1024 * 1024 };
    }

    public StorageAccounts Accounts { get; }

    public BodyBlobs Blobs { get; }

    public QueueOptions Options { get; }

    public QueueCatalog Catalog { get; }

    public GrainMetrics Metrics { get; }

    internal JournalOptions Journal { get; }

    internal IRelayGrain Relay { get; }

    internal LocalRetry Local { get; }

    internal QueueLog Log { get; }

    /// <summary>The silo whose sender this silo's queues give their attempts to, as <see cref="SiloAddress"/> writes it; null: any.</summary>
    internal string? OwnSender { get; private set; }

    /// <summary>Attempts were given to the sender of a silo.</summary>
    internal void GivenTo(SiloAddress silo)
    {
        if (OwnSender is not null && !silo.Equals(_silos.SiloAddress))
        {
            OwnSender = null;
        }
    }

    internal bool IsDead(SiloAddress silo) => _silos.IsDeadSilo(silo);
}
