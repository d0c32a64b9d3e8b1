using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailGrains.Storage.Tests.Journals;

using LedgerJournal = Journal<Ledger, LedgerDraft>;

/// <summary>One owner on a real store with faults in between; every journal that it opens is an activation of that owner.</summary>
internal sealed class JournalRig(StorageAccount real)
{
    private readonly List<LedgerJournal> _journals = [];
    private StorageAccount? _account;

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public StorageAccount Account => _account ??= real with { Tables = Tables, Blobs = Blobs };

    public FaultingTableStore Tables { get; } = new(real.Tables);

    public FaultingBlobStore Blobs { get; } = new(real.Blobs);

    public string Partition { get; } = "ledger:" + Guid.NewGuid().ToString("N");

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public JournalOptions Options { get; set; } = new()
    {
        FirstBackOff = TimeSpan.FromMilliseconds(2),
        MaxBackOff = TimeSpan.FromMilliseconds(20),
        TryTimeout = TimeSpan.FromSeconds(10),
    };

    /// <summary>
    /// Runs a test as a grain runs: on a scheduler that does one thing at a time. At the end the activations that live are drained and
    /// the partition is checked.
    /// </summary>
    public static Task RunAsync(StorageAccount account, Func<JournalRig, Task> test) => InGrainAsync(async () =>
    {
        var rig = new JournalRig(account);
        await test(rig);
        await rig.EndAsync();
    });

    public static Task InGrainAsync(Func<Task> turn) => Task.Factory.StartNew(
        turn, CancellationToken.None, TaskCreationOptions.None, new ConcurrentExclusiveSchedulerPair().ExclusiveScheduler).Unwrap();

    public LedgerJournal New()
    {
        var journal = new LedgerJournal(Account, Partition, () => new Ledger(), Options, Time, NullLogger.Instance);
        _journals.Add(journal);
        return journal;
    }

    /// <summary>A new activation, loaded.</summary>
    public async Task<LedgerJournal> LoadAsync()
    {
        var journal = New();
        await journal.LoadAsync(Token);
        return journal;
    }

    /// <summary>A new activation of an owner that is made now.</summary>
    public async Task<LedgerJournal> CreateAsync()
    {
        var journal = await LoadAsync();
        Assert.True(await journal.CreateAsync(_ => { }, Token));
        return journal;
    }

    /// <summary>The activation's process is gone: nothing waits for it any more.</summary>
    public void Forget(LedgerJournal journal) => _journals.Remove(journal);

    public async Task<long> CountRowsAsync(string prefix) =>
        await real.Tables.ReadRowsAsync(TableNames.Mail, Partition, KeyRange.Prefix(prefix), Token).LongCountAsync(Token);

    public async Task<List<string>> BlobNamesAsync() =>
        await real.Blobs.ListAsync($"snapshot/{Partition}/", Token).Select(b => b.Name).ToListAsync(Token);

    public async Task<JournalHeader> HeaderAsync() =>
        JournalHeader.Decode((await real.Tables.ReadAsync(TableNames.Mail, Partition, JournalHeader.Row, Token))!);

    public async Task CheckAsync() => Assert.Empty(await JournalCheck.CheckAsync(real, Partition, Token));

    private async Task EndAsync()
    {
        Tables.Heal();
        Blobs.Heal();
        foreach (var journal in _journals.Where(j => j.Status is JournalStatus.Live or JournalStatus.Deleted))
        {
            await journal.DrainAsync(Token);
        }

        await CheckAsync();
    }
}

internal static class LedgerCalls
{
    /// <summary>Adds an amount, with rows if any; answers the total behind it.</summary>
    public static ValueTask<long> AddAsync(this LedgerJournal journal, int key, long amount, params TableOperation[] rows) =>
        journal.CommitAsync(
            new JournalCall<LedgerDraft, long>(
                draft =>
                {
                    draft.Add(key, amount);
                    return new(draft.Total, KeepRows: true);
                },
                rows, LedgerDraft.AddBytes),
            JournalRig.Token);

    /// <summary>Answers the total as the calls before leave it; changes nothing.</summary>
    public static ValueTask<long> ReadTotalAsync(this LedgerJournal journal) =>
        journal.CommitAsync(new JournalCall<LedgerDraft, long>(draft => new(draft.Total, KeepRows: false), [], 0), JournalRig.Token);

    public static ValueTask<(bool New, EmailId Kept)> DeliverAsync(
        this LedgerJournal journal, DeliveryId id, EmailId email, DateTimeOffset at, params TableOperation[] rows) =>
        journal.CommitAsync(
            new JournalCall<LedgerDraft, (bool New, EmailId Kept)>(
                draft => draft.Deliver(id, email, at) is var outcome ? new(outcome, outcome.New) : default, rows, LedgerDraft.DeliverBytes),
            JournalRig.Token);

    public static TableOperation Row(string key, int bytes = 10) => TableOperation.Upsert(key, new RowProperties("v", new byte[bytes]));
}
