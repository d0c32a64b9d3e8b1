using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes;
using MailGrains.Storage;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>The consistency checkers over everything that a store holds; no host may be running.</summary>
internal static class StoreCheck
{
    private static readonly TimeSpan UntilSwept = TimeSpan.FromDays(4);

    /// <summary>
    /// Fails unless every mailbox, journal and body is sound. A crash may leave bodies that nobody names, and nothing else; the sweep of some
    /// days later has to find all of them.
    /// </summary>
    /// <returns>How many bodies and rows were left by crashes.</returns>
    public static async Task<int> RunAsync(StorageAccounts accounts, int mailboxes, CancellationToken cancellationToken)
    {
        var found = await MailboxesAsync(accounts, cancellationToken);
        Assert.Equal(mailboxes, found.Count);
        foreach (var mailbox in found)
        {
            Assert.Empty(await MailboxCheck.CheckAsync(accounts, mailbox, cancellationToken));
        }

        var bodies = await BodyCheck.RunAsync(accounts, cancellationToken);
        Assert.Empty(bodies.Losses);
        var sweeper = new BodySweeper(accounts, new FakeTimeProvider(DateTimeOffset.UtcNow + UntilSwept));
        for (var number = 0; number < accounts.Count; number++)
        {
            Assert.Equal(0, (await sweeper.SweepAsync(accounts[number], cancellationToken)).Failed);
        }

        var swept = await BodyCheck.RunAsync(accounts, cancellationToken);
        Assert.Empty(swept.Losses);
        Assert.Empty(swept.Leftovers);
        return bodies.Leftovers.Count;
    }

    /// <summary>Every mailbox that has rows, known to the directory or not.</summary>
    public static async Task<HashSet<MailboxId>> MailboxesAsync(StorageAccounts accounts, CancellationToken cancellationToken)
    {
        var found = new HashSet<MailboxId>();
        for (var number = 0; number < accounts.Count; number++)
        {
            var rows = accounts[number].Tables.ReadPartitionsAsync(TableNames.Mail, KeyRange.Prefix("mailbox:"), cancellationToken);
            await foreach (var row in rows)
            {
                var words = row.Partition.Split(':');
                Assert.True(TableKey.TryDecode(words[1], out var tenant));
                Assert.True(TableKey.TryDecode(words[2], out var unique));
                found.Add(new MailboxId(tenant, number, unique));
            }
        }

        return found;
    }
}
