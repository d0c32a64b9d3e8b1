using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>
/// A mailbox's state on a journal in memory: what is committed and which snapshot is in force survive <see cref="Reload"/>, nothing else does.
/// </summary>
internal sealed class StateHarness : ISegmentReader
{
    private readonly SegmentBudget _budget;
    private readonly IndexLimits _limits;
    private readonly List<byte[]> _commits = [];
    private Dictionary<int, ReadOnlyMemory<byte>> _segments = [];
    private ReadOnlyMemory<byte> _head;
    private int _headSequence;

    public StateHarness(long budgetBytes, IndexLimits? limits = null)
    {
        _budget = new SegmentBudget(budgetBytes);
        _limits = limits ?? IndexLimits.Default;
        State = new MailboxState(_budget, _limits);
        Commit(draft => draft.Begin(0, Now));
    }

    public DateTimeOffset Now { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public MailboxState State { get; private set; }

    public int SegmentReads { get; private set; }

    public int SegmentsWritten { get; private set; }

    public long HeadBytes => _head.Length;

    public long SegmentBytes => _segments.Values.Sum(s => (long)s.Length);

    public long LoadedBytes => _budget.Bytes;

    public void Commit(Action<MailboxDraft> decide) => Commit(draft =>
    {
        decide(draft);
        return 0;
    });

    /// <summary>One commit; several calls in <paramref name="decide"/> are a batch.</summary>
    public T Commit<T>(Func<MailboxDraft, T> decide)
    {
        var draft = State.BeginDraft();
        var result = decide(draft);
        if (!draft.Events.IsEmpty)
        {
            var events = draft.Events.ToArray();
            _commits.Add(events);
            State.Apply(_commits.Count, events);
        }

        return result;
    }

    public async Task<FlagsStored> StoreFlagsAsync(StoreFlagsRequest request) =>
        await ChangeAsync(request.Folder, [.. request.Uids], (draft, folder, uids) => draft.StoreFlags(folder, uids.Span, request));

    public async Task<int> ExpungeAsync(int folder, params uint[] uids)
    {
        var expunged = 0;
        for (ReadOnlyMemory<uint> rest = uids; rest.Length > 0;)
        {
            using var pins = new Pins();
            var covered = await State.PinNextAsync(State.Find(folder)!, rest, pins.List, default);
            expunged += Commit(draft => draft.Expunge(State.Find(folder)!, rest.Span[..covered], Now)) ??
                throw new InvalidOperationException("A pinned segment was not in memory.");
            rest = rest[covered..];
        }

        return expunged;
    }

    /// <summary>Begins and ends the purge of at most <paramref name="most"/> of the oldest expunged messages.</summary>
    public async Task<IReadOnlyList<EmailId>> PurgeAsync(int most, bool end = true)
    {
        if (State.Expunges.Purging.Count == 0)
        {
            if (State.Expunges.Oldest is not { } oldest)
            {
                return [];
            }

            using var pins = new Pins();
            var (uids, _) = oldest.Uids.Split(most);
            uint[] ascending = [.. uids.Uids()];
            var covered = await State.PinNextAsync(State.Find(oldest.Folder)!, ascending, pins.List, default);
            (uids, _) = uids.Split(covered);
            Assert.True(Commit(draft => draft.BeginPurge(oldest, uids)));
        }

        var purging = State.Expunges.Purging;
        if (end)
        {
            Commit(draft => draft.EndPurge());
        }

        return purging;
    }

    public async Task<IReadOnlyList<MessageEntry>> ListAsync(int folder, int limit = 7)
    {
        var all = new List<MessageEntry>();
        while (true)
        {
            var page = await State.ListAsync(State.Find(folder)!, all.Count == 0 ? 0 : all[^1].Uid, limit, default);
            all.AddRange(page.Messages);
            if (!page.More)
            {
                return all;
            }

            Assert.Equal(limit, page.Messages.Length);
        }
    }

    /// <param name="written">False: the blobs or the header's commit fail, so the snapshot before stays in force.</param>
    public async Task SnapshotAsync(bool written = true)
    {
        await State.PrepareSnapshotAsync(default);
        var capture = State.CaptureSnapshot()!;
        SegmentsWritten += capture.ChangedSegments.Count;
        if (written)
        {
            _segments = new(_segments.ExceptBy(capture.RemovedSegments, s => s.Key));
            foreach (var (segment, bytes) in capture.ChangedSegments)
            {
                _segments[segment] = bytes.ToArray();
            }

            _head = capture.Head.ToArray();
            _headSequence = _commits.Count;
            State.SnapshotWritten(capture, this);
        }
    }

    public void Reload()
    {
        State.Release();
        State = new MailboxState(_budget, _limits);
        if (!_head.IsEmpty)
        {
            State.Restore(_head, this);
        }

        for (var i = _headSequence; i < _commits.Count; i++)
        {
            State.Apply(i + 1, _commits[i]);
        }
    }

    public ValueTask<ReadOnlyMemory<byte>> ReadAsync(int segment, CancellationToken cancellationToken)
    {
        SegmentReads++;
        return new(_segments[segment]);
    }

    /// <summary>A delivery of a body that is not there: the state never looks at it.</summary>
    public MailboxDelivery Delivery(
        int bytes, string folder = "INBOX", DeliveryId? id = null, EmailId? email = null, params string[] keywords) => new(
        id ?? DeliveryId.None, "trace", folder, [.. keywords], [], new MessageBody(bytes, null, null), [], 7, Now, email ?? EmailId.New(Now));

    private async Task<T> ChangeAsync<T>(int folder, uint[] ascending, Func<MailboxDraft, FolderState, ReadOnlyMemory<uint>, T?> decide)
        where T : class
    {
        using var pins = new Pins();
        Assert.Equal(ascending.Length, await State.PinNextAsync(State.Find(folder)!, ascending, pins.List, default));
        return Commit(draft => decide(draft, State.Find(folder)!, ascending)) ??
            throw new InvalidOperationException("A pinned segment was not in memory.");
    }

    private sealed class Pins : IDisposable
    {
        public List<SegmentPin> List { get; } = [];

        public void Dispose() => List.ForEach(p => p.Dispose());
    }
}
