using CsCheck;
using MailGrains.Storage.Journals;

namespace MailGrains.Storage.Tests.Journals;

public sealed class SnapshotHeadTests
{
    [Fact]
    public void AHeadIsReadAsItWasWrittenAndNoPrefixOfItIsRead()
    {
        var at = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
        var head = new SnapshotHead(
            new SnapshotId(12, ulong.MaxValue), at, [new KeptSnapshot(new SnapshotId(3, 4), at.AddDays(-40))],
            new Dictionary<int, SegmentBlob> { [0] = new(3, 5, 10), [700] = new(12, 6, 0) }, [new RetiredSegment(7, new SegmentBlob(3, 9, 1), 3)],
            new byte[] { 1, 2, 3 });
        var bytes = head.Encode();
        var read = SnapshotHead.Decode(bytes);
        Assert.Equal((head.Id, head.At), (read.Id, read.At));
        Assert.Equal(head.Kept, read.Kept);
        Assert.Equal(head.Segments, read.Segments);
        Assert.Equal(head.Retired, read.Retired);
        Assert.Equal(head.State.ToArray(), read.State.ToArray());
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() => SnapshotHead.Decode(bytes[..length])).Failure);
        }
    }

    [Fact]
    public void NoBlobThatAKeptHeadNamesIsDropped() =>
        Gen.Select(Gen.Int[0, 80], Gen.Int[0, 200].List[0, 4], Gen.Int[0, 6]).List[1, 60].Select(Gen.Int[0, 3]).Sample((steps, choice) =>
        {
            var window = TimeSpan.FromDays(new[] { 0, 1, 7, 30 }[choice]);
            var blobs = new SnapshotBlobs(null!, "p");
            var stored = new HashSet<string>();
            var heads = new Dictionary<SnapshotId, SnapshotHead>();
            SnapshotHead? newest = null;
            var at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
            var (sequence, through) = (0L, 0L);
            foreach (var (hours, changed, removed) in steps)
            {
                at = at.AddHours(hours);
                sequence++;
                var id = new SnapshotId(sequence, (ulong)sequence);
                var next = new SnapshotHead(
                    id, at, [], changed.Select(c => c % 9).Distinct().ToDictionary(s => s, _ => new SegmentBlob(sequence, 1, 1)), [], default);
                var head = SnapshotRetention.Plan(newest, next, removed < 5 ? [removed] : [], window, out var drop, out var droppedHeads, out var droppedSegments);
                stored.Add(blobs.NameOf(id));
                stored.UnionWith(next.Segments.Select(s => blobs.NameOf(s.Key, s.Value)));
                heads[id] = head;
                stored.ExceptWith(droppedHeads.Select(blobs.NameOf));
                stored.ExceptWith(droppedSegments.Select(s => blobs.NameOf(s.Segment, s.Blob)));
                through = Math.Max(through, drop);
                newest = head;

                // What is stored is what the newest head names, and that is what the kept heads use.
                Assert.Equal(blobs.NamesOf(head).Order(), stored.Order());
                var used = head.Kept.Select(k => heads[k.Id]).Append(head).SelectMany(h => h.Segments.Select(s => blobs.NameOf(s.Key, s.Value))
                    .Append(blobs.NameOf(h.Id))).ToHashSet();
                Assert.Equal(used.Order(), stored.Order());

                // "As of" works for the whole window: a kept snapshot stands at or before the first row that is left.
                Assert.InRange(head.Kept.Count, 0, 6);
                var oldest = head.Kept.Count > 0 ? head.Kept[0] : new KeptSnapshot(head.Id, head.At);
                Assert.True(through == 0 || (through <= oldest.Id.Sequence && oldest.At <= at - window), $"{through} {oldest}");
            }
        }, iter: 300);
}
