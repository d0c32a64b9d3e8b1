using MailGrains.Contracts;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Testing.Faults;

namespace MailGrains.Grains.Tests.Mailboxes;

[Collection(SharedCluster.Name)]
public sealed class FlagsTests(MailboxCluster cluster)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FlagsAreAddedRemovedAndReplacedAndUnseenIsCounted()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(3);

        var added = await StoreAsync(mailbox, FlagsChange.Add, ["\\Seen", "$Label1"], 1, 2);
        Assert.Equal([1u, 2u], added.Changed);
        Assert.Equal((await mailbox.InboxAsync()).HighestModSeq, added.ModSeq);
        Assert.Equal(1, (await mailbox.InboxAsync()).Unseen);

        Assert.Equal([2u], (await StoreAsync(mailbox, FlagsChange.Remove, ["\\seen"], 2, 3)).Changed);
        Assert.Equal([1u, 3u], (await StoreAsync(mailbox, FlagsChange.Replace, ["\\Seen", "\\Answered"], 1, 3)).Changed);
        Assert.Empty((await StoreAsync(mailbox, FlagsChange.Add, ["\\Answered"], 1, 3)).Changed);
        await cluster.ReactivateAsync(mailbox.Id);

        Assert.Equal(1, (await mailbox.InboxAsync()).Unseen);
        Assert.Equal([["\\Answered", "\\Seen"], ["$Label1"], ["\\Answered", "\\Seen"]], (await mailbox.ListAsync()).Select(m => m.Keywords));
    }

    [Fact]
    public async Task UnchangedSinceLeavesMessagesThatChangedAloneAndNamesThem()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(3);
        var since = (await mailbox.InboxAsync()).HighestModSeq;
        var changed = await StoreAsync(mailbox, FlagsChange.Add, ["\\Flagged"], 2);

        var stored = await mailbox.Grain.StoreFlagsAsync(new StoreFlagsRequest(1, [1, 2, 3, 99], FlagsChange.Add, ["\\Seen"], since), None);

        Assert.Equal([1u, 3u], stored.Changed);
        Assert.Equal([2u], stored.Modified);
        Assert.Equal(changed.ModSeq + 1, stored.ModSeq);
        Assert.Equal([stored.ModSeq, changed.ModSeq, stored.ModSeq], (await mailbox.ListAsync()).Select(m => m.ModSeq));
    }

    [Fact]
    public async Task OfTwoConditionalChangesThatWaitTogetherOneWins()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(1);
        var since = (await mailbox.InboxAsync()).HighestModSeq;
        Task<FlagsStored> one, other;
        using (cluster.Tables.HoldCommits())
        {
            var front = mailbox.DeliverAsync();
            await cluster.UntilHeldAsync();
            one = StoreAsync(mailbox, new StoreFlagsRequest(1, [1], FlagsChange.Add, ["one"], since));
            other = StoreAsync(mailbox, new StoreFlagsRequest(1, [1], FlagsChange.Add, ["other"], since));
            await mailbox.InboxAsync();
            Assert.False(front.IsCompleted);
        }

        await Task.WhenAll(one, other);
        var winner = Assert.Single((await mailbox.ListAsync())[0].Keywords);
        var (won, lost) = winner == "one" ? (await one, await other) : (await other, await one);
        Assert.Equal([1u], won.Changed);
        Assert.Empty(won.Modified);
        Assert.Empty(lost.Changed);
        Assert.Equal([1u], lost.Modified);
    }

    [Fact]
    public async Task ReadersSeeCommittedFlagsOnly()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(1);
        Task<FlagsStored> change;
        using (cluster.Tables.HoldCommits())
        {
            change = StoreAsync(mailbox, FlagsChange.Add, ["\\Seen"], 1);
            await cluster.UntilHeldAsync();
            Assert.Empty((await mailbox.ListAsync())[0].Keywords);
            Assert.Equal(1, (await mailbox.InboxAsync()).Unseen);
        }

        await change;
        Assert.Equal(["\\Seen"], (await mailbox.ListAsync())[0].Keywords);
    }

    [Fact]
    public async Task AFailedChangeLeavesNoTrace()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(1);
        using (cluster.Fault(mailbox.Id, _ => CommitFault.Unavailable))
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(() => StoreAsync(mailbox, FlagsChange.Add, ["\\Seen"], 1));
        }

        Assert.Empty((await mailbox.ListAsync())[0].Keywords);
        Assert.Equal(1, (await mailbox.InboxAsync()).HighestModSeq);
    }

    [Fact]
    public async Task PagesGoOnWhereTheLastOneEnded()
    {
        await using var mailbox = await cluster.CreateAsync();
        await mailbox.FillAsync(25);
        await mailbox.Grain.ExpungeAsync(1, [5, 6, 7, 8, 9, 10, 25], None);

        var first = (await mailbox.Grain.ListMessagesAsync(1, 0, 10, None))!;
        var second = (await mailbox.Grain.ListMessagesAsync(1, first.Messages[^1].Uid, 8, None))!;

        Assert.Equal((10, true), (first.Messages.Length, first.More));
        Assert.Equal((8, false), (second.Messages.Length, second.More));
        Assert.Equal([1u, 2u, 3u, 4u, 11u], first.Messages.Select(m => m.Uid).Take(5));
        Assert.Equal(24u, second.Messages[^1].Uid);
        Assert.Null(await mailbox.Grain.ListMessagesAsync(77, 0, 10, None));
    }

    private static Task<FlagsStored> StoreAsync(TestMailbox mailbox, FlagsChange change, string[] keywords, params uint[] uids) =>
        StoreAsync(mailbox, new StoreFlagsRequest(1, [.. uids], change, [.. keywords], null));

    private static async Task<FlagsStored> StoreAsync(TestMailbox mailbox, StoreFlagsRequest request) =>
        await mailbox.Grain.StoreFlagsAsync(request, None);
}
