using MailGrains.Contracts.Queues;
using MailGrains.Grains.Queues;

namespace MailGrains.Grains.Notices;

/// <summary>
/// Makes the delivery report that a message's sender is to get, and hands it over. It can not yet: what is to be told waits in its queue, and the host takes
/// mail for other servers only where it is told to.
/// </summary>
public sealed class NoticePost(IGrainFactory grains)
{
    /// <summary>Sends what is to be told of a message; a repeat is recognised where it arrives.</summary>
    /// <returns>What was done, for the log.</returns>
    /// <exception cref="Exception">It could not be sent now.</exception>
    internal ValueTask<string> SendAsync(QueueId queue, QueuedMessage message, IReadOnlyList<Notice> notices, CancellationToken cancellationToken)
    {
        _ = (grains, queue, message, notices, cancellationToken);
        throw new Contracts.StoreUnavailableException("Reports can not be sent yet.");
    }
}
