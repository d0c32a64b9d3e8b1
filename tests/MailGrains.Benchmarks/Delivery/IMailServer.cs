using System.Net;

namespace MailGrains.Benchmarks.Delivery;

/// <summary>A server under load, started with its processes counted.</summary>
internal interface IMailServer : IAsyncDisposable
{
    string Name { get; }

    /// <summary>The settings that it runs with, as it tells them itself.</summary>
    string Settings { get; }

    IPEndPoint Smtp { get; }

    /// <summary>What all of its processes have used, those that ended included.</summary>
    TimeSpan ProcessorTime { get; }

    /// <summary>Bytes in memory of all of its processes: the peak since <see cref="ResetMemory"/> where the system keeps one, else those of now.</summary>
    long Memory { get; }

    void ResetMemory();

    Task AddMailboxesAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken);

    /// <summary>Returns when every message that was accepted is in its mailbox.</summary>
    Task AllDeliveredAsync(CancellationToken cancellationToken);

    /// <summary>How many messages the mailboxes hold, as a reader of them would see it.</summary>
    Task<long> CountAsync(IReadOnlyCollection<string> addresses, CancellationToken cancellationToken);

    /// <summary>Transactions that its store has committed since the start; null for a server that counts none.</summary>
    Task<long?> CommittedAsync(CancellationToken cancellationToken);
}
