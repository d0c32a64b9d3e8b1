using MailGrains.Contracts.Senders;
using MailGrains.Grains.Tests.Mailboxes;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Orleans.Runtime;

namespace MailGrains.Grains.Tests.Senders;

[Collection(SharedCluster.Name)]
public sealed class SenderGrainTests(MailboxCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheKeySaysWhichDefaultCounts()
    {
        var name = NewName();
        Assert.Equal(new SendingLimits(300, 1_000, 1_000, 3_000), (await Sender($"{name}/bob@{name}.test").GetUsageAsync(null, None)).Limits);
        Assert.Equal(new SendingLimits(3_000, 10_000, 10_000, 30_000), (await Sender(name).GetUsageAsync(null, None)).Limits);
        var own = new SendingLimits(1, 2, 3, 4);
        Assert.Equal(own, (await Sender(name).GetUsageAsync(own, None)).Limits);
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Sender(name).TryTakeAsync(-1, null, None));
    }

    [Fact]
    public async Task WhatWasSentIsKnownToTheNextActivation()
    {
        var sender = Sender($"{NewName()}/bob@example.test");
        var limits = new SendingLimits(2, 9, 9, 9);
        Assert.True((await sender.TryTakeAsync(3, limits, None)).Allowed);
        Assert.True((await sender.TryTakeAsync(2, limits, None)).Allowed);
        await sender.GiveBackAsync(2, None);

        await cluster.DeactivateAsync(sender);

        Assert.Equal(new SendingUsage(1, 1, 3, 3, limits), await sender.GetUsageAsync(limits, None));
        Assert.True((await sender.TryTakeAsync(1, limits, None)).Allowed);
        await cluster.DeactivateAsync(sender);
        Assert.Equal("2 messages an hour", (await sender.TryTakeAsync(1, limits, None)).Limit);
    }

    [Fact]
    public async Task SendersWhoseStorageKeysLookAlikeDoNotMeet()
    {
        var name = NewName();
        foreach (var address in new[] { "a_b", "a/b", "a?b", "a#b", "a\\b" })
        {
            var sender = Sender($"{name}/{address}@example.test");
            Assert.True((await sender.TryTakeAsync(1, null, None)).Allowed);
            await cluster.DeactivateAsync(sender);
            Assert.Equal(1, (await sender.GetUsageAsync(null, None)).MessagesThisDay);
        }
    }

    [Fact]
    public async Task ChangesAreStoredTogetherAMomentLater()
    {
        var name = NewName();
        var sender = Sender($"{name}/bob@example.test");
        using var writes = new Writes(cluster, name);
        for (var i = 0; i < 20; i++)
        {
            await sender.TryTakeAsync(1, null, None);
        }

        Assert.Equal(0, writes.Count);
        await PassAsync(() => writes.Count > 0);
        Assert.Equal(1, writes.Count);
        await sender.TryTakeAsync(1, null, None);
        await PassAsync(() => writes.Count > 1);
        await cluster.DeactivateAsync(sender);
        Assert.Equal(2, writes.Count);
    }

    [Fact]
    public async Task AStoreThatFailsStopsNobodyAndIsTriedAgain()
    {
        var name = NewName();
        var sender = Sender($"{name}/bob@example.test");
        using (var writes = new Writes(cluster, name, CommitFault.Unavailable))
        {
            await sender.TryTakeAsync(1, null, None);
            await PassAsync(() => writes.Count > 1);
            Assert.True((await sender.TryTakeAsync(1, null, None)).Allowed);
        }

        await cluster.DeactivateAsync(sender);
        Assert.Equal(2, (await sender.GetUsageAsync(null, None)).MessagesThisDay);
    }

    [Fact]
    public async Task AWriteWhoseAnswerIsLostEndsInWhatIsStored()
    {
        var name = NewName();
        var sender = Sender($"{name}/bob@example.test");
        using (var writes = new Writes(cluster, name, CommitFault.LostAfter))
        {
            await sender.TryTakeAsync(1, null, None);
            await PassAsync(() => writes.Count > 0);
        }

        await PassAsync(() => false, TimeSpan.FromSeconds(12));
        Assert.Equal(1, (await sender.GetUsageAsync(null, None)).MessagesThisDay);
        await sender.TryTakeAsync(1, null, None);
        await cluster.DeactivateAsync(sender);
        Assert.Equal(2, (await sender.GetUsageAsync(null, None)).MessagesThisDay);
    }

    private static string NewName() => $"t{Guid.NewGuid():n}"[..20];

    private ISenderGrain Sender(string key) => cluster.Grains.GetGrain<ISenderGrain>(key);

    /// <summary>Lets the clock run until something has happened, or for a time.</summary>
    private async Task PassAsync(Func<bool> isDone, TimeSpan? most = null)
    {
        for (var passed = TimeSpan.Zero; !isDone() && passed < (most ?? TimeSpan.FromMinutes(2)); passed += TimeSpan.FromMilliseconds(100))
        {
            cluster.Time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, None);
        }

        Assert.True(most is not null || isDone(), "It did not happen in time.");
    }

    /// <summary>Counts the writes of a tenant's senders, and fails them where it is told to.</summary>
    private sealed class Writes : IDisposable
    {
        private readonly IDisposable _watch;
        private int _count;

        public Writes(MailboxCluster cluster, string name, CommitFault? fault = null) => _watch = cluster.Fault((partition, _) =>
        {
            if (!partition.Contains(name, StringComparison.Ordinal))
            {
                return null;
            }

            Interlocked.Increment(ref _count);
            return fault;
        });

        public int Count => Volatile.Read(ref _count);

        public void Dispose() => _watch.Dispose();
    }
}
