using System.Diagnostics;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>A twin, of a hundredth, of the mailbox with 1,000,000 messages.</summary>
public sealed class LargeMailboxTests : IAsyncLifetime
{
    private const int Messages = 10_000;
    private readonly LargeCluster _cluster = new();

    private static CancellationToken None => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _cluster.InitializeAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task ALargeMailboxActivatesFromItsHeadAndTakesMailAsCheaplyAsAnEmptyOne()
    {
        await using var mailbox = await _cluster.CreateAsync();
        await DeliverAsync(mailbox, Messages);
        await _cluster.ReactivateAsync(mailbox.Id);
        var (reads, rows) = (_cluster.Blobs.Reads, _cluster.Tables.RowsRead);

        var started = Stopwatch.GetTimestamp();
        Assert.Equal(Messages, (await mailbox.InboxAsync()).Messages);
        var elapsed = Stopwatch.GetElapsedTime(started);

        Assert.InRange(elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.InRange(_cluster.Blobs.Reads - reads, 0, 1);
        Assert.InRange(_cluster.Tables.RowsRead - rows, 0, 2 * LargeCluster.SnapshotAfter);

        const int More = 1_000;
        using var count = _cluster.Count(mailbox.Id);
        var blobBytes = _cluster.Blobs.BytesWritten;
        await DeliverAsync(mailbox, More);
        await _cluster.ReactivateAsync(mailbox.Id);

        var perDelivery = (count.Bytes + _cluster.Blobs.BytesWritten - blobBytes) / More;
        Assert.InRange(perDelivery, 100, 8 * 1024);
        Assert.InRange(_cluster.Blobs.BytesWritten - blobBytes, 1, long.MaxValue);
        Assert.Equal(Enumerable.Range(1, Messages + More).Select(i => (uint)i), (await mailbox.ListAsync()).Select(m => m.Uid));
        TestContext.Current.SendDiagnosticMessage("activation {0:F0} ms, {1} bytes written a delivery", elapsed.TotalMilliseconds, perDelivery);
    }

    private static async Task DeliverAsync(TestMailbox mailbox, int count)
    {
        var left = count;
        await Task.WhenAll(Enumerable.Range(0, 45).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
            {
                Assert.Equal(DeliveryStatus.Delivered, (await mailbox.DeliverAsync()).Status);
            }
        }));
    }

    private sealed class LargeCluster : MailboxCluster
    {
        public const int SnapshotAfter = 50;

        protected override JournalOptions Journals => new() { SnapshotAfterCommits = SnapshotAfter };
    }
}
