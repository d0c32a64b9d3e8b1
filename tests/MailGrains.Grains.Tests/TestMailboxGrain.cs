using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
namespace MailGrains.Grains.Tests;
public sealed class TestMailboxGrain : Grain, IMailboxGrain
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> Live = new();
    public ValueTask<bool> CreateAsync(long quotaBytes, CancellationToken cancellationToken) => new(Live.GetOrAdd(this.GetPrimaryKeyString(), true));
    public ValueTask DeleteAsync(CancellationToken cancellationToken) { Live[this.GetPrimaryKeyString()] = false; return default; }
    public ValueTask<DeliveryStatus> CheckDeliveryAsync(long bytes, CancellationToken cancellationToken) => new(Live.TryGetValue(this.GetPrimaryKeyString(), out var l) && l ? DeliveryStatus.Delivered : DeliveryStatus.NoMailbox);
    public ValueTask<DeliveryResult> DeliverAsync(MailboxDelivery delivery, CancellationToken cancellationToken) => throw new NotSupportedException();
    public ValueTask<MailboxOverview?> GetOverviewAsync(CancellationToken cancellationToken) => throw new NotSupportedException();
    public ValueTask<MessagePage?> ListMessagesAsync(int folder, uint afterUid, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();
    public ValueTask<ImmutableArray<MessageContent>> GetContentAsync(ImmutableArray<EmailId> emails, CancellationToken cancellationToken) => throw new NotSupportedException();
    public ValueTask<FlagsStored> StoreFlagsAsync(StoreFlagsRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();
    public ValueTask<int> ExpungeAsync(int folder, ImmutableArray<uint> uids, CancellationToken cancellationToken) => throw new NotSupportedException();
}
