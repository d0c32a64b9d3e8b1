using System.Globalization;
using System.Text;
using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Grains.Mailboxes;
using MailGrains.Grains.Mailboxes.Index;

namespace MailGrains.Grains.Tests.Mailboxes;

/// <summary>
/// Random lives of a mailbox against a simple model, with snapshots, snapshots that fail, and reloads in between. Segments are tiny and no loaded
/// segment may stay in memory, so that changes meet every state a segment can be in.
/// </summary>
public sealed class MailboxStateModelTests
{
    private static readonly string[] Keywords = ["\\Seen", "\\Flagged", "\\Deleted", "$Forwarded", "later"];

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (8, Gen.Select(Gen.Int[1, 9], Gen.Int[0, 3], Gen.Int[0, 31]).Select((count, folder, flags) => (Step)new Deliver(count, folder, flags))),
        (2, Gen.Int[0, 400].Select(earlier => (Step)new Repeat(earlier))),
        (6, Gen.Select(Gen.UInt, Gen.Int[0, 2], Gen.Int[1, 3], Gen.Int[0, 31], Gen.Int[-1, 60])
            .Select((uids, folder, change, flags, since) => (Step)new Store(uids, folder, (FlagsChange)change, flags, since))),
        (3, Gen.Select(Gen.UInt, Gen.Int[0, 2]).Select((uids, folder) => (Step)new Expunge(uids, folder))),
        (2, Gen.Int[1, 20].Select(most => (Step)new Purge(most))),
        (2, Gen.Int[0, 3].Select(written => (Step)new Snapshot(written > 0))),
        (2, Gen.Const((Step)new Reload())),
        (1, Gen.Int[0, 3].Select(quota => (Step)new Quota(quota))));

    [Fact]
    public async Task AMailboxDoesWhatTheModelDoesWhateverItsLife() =>
        await Steps.Array[1, 60].SampleAsync(LiveAsync, iter: 300, print: steps => string.Join("; ", steps.AsEnumerable()));

    private static async Task<bool> LiveAsync(Step[] steps)
    {
        var limits = new IndexLimits { SegmentEntries = 5, LoadAtWeight = 90, WriteAtWeight = 40, MaxChangedSegments = 2, MaxPinnedSegments = 3 };
        var life = new Life(new StateHarness(budgetBytes: 1, limits), new MailboxModel());
        foreach (var step in steps)
        {
            await step.RunAsync(life);
            await life.CompareAsync();
        }

        await life.Harness.SnapshotAsync();
        life.Harness.Reload();
        await life.CompareAsync();
        return true;
    }

    private static string[] Names(int bits) => [.. Keywords.Where((_, i) => (bits & (1 << i)) != 0)];

    private sealed record Life(StateHarness Harness, MailboxModel Model)
    {
        public List<(int Folder, MailboxDelivery Delivery)> Deliveries { get; } = [];

        public uint[] Uids(int folder, uint bits) =>
            [.. Enumerable.Range(1, (int)Model.UidNext[folder] + 1).Where(uid => (bits >> (uid % 32) & 1) != 0).Select(uid => (uint)uid)];

        /// <summary>One comparison of text: xunit's own take too long for as many as these.</summary>
        public async Task CompareAsync()
        {
            var state = Harness.State;
            var (expected, actual) = (new StringBuilder(), new StringBuilder());
            Append(expected, $"{Model.UsedBytes} {Model.ModSeq} {Model.Expunged} {Model.ExpungedBytes}");
            Append(actual, $"{state.UsedBytes} {state.HighestModSeq} {state.Expunges.Messages} {state.Expunges.Bytes}");
            for (var i = 0; i < 3; i++)
            {
                var (folder, messages) = (state.Find(i + 1)!, Model.Folders[i]);
                Append(expected, $"{i} {messages.Count} {messages.Count(m => !m.Keywords.Contains("\\Seen"))} {Model.UidNext[i]}");
                Append(actual, $"{i} {folder.Messages} {folder.Unseen} {folder.UidNext}");
                messages.ForEach(m => Append(expected, $"{m.Uid} {m.Email.Low} {m.ModSeq} {m.Bytes} {string.Join(' ', m.Keywords)}"));
                foreach (var m in await Harness.ListAsync(i + 1))
                {
                    Append(actual, $"{m.Uid} {m.Email.Low} {m.ModSeq} {m.Bytes} {string.Join(' ', m.Keywords.Order(StringComparer.Ordinal))}");
                }
            }

            Expect(expected.ToString(), actual.ToString());
        }

        public static void Expect<T>(T expected, T actual)
        {
            if (!EqualityComparer<T>.Default.Equals(expected, actual))
            {
                Assert.Fail($"Expected:\n{expected}\nActual:\n{actual}");
            }
        }

        private static void Append(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }

    private abstract record Step
    {
        public abstract Task RunAsync(Life life);
    }

    private sealed record Deliver(int Count, int Folder, int Flags) : Step
    {
        public override Task RunAsync(Life life)
        {
            string[] names = ["INBOX", "Sent", "Drafts", "Nowhere"];
            var folder = Folder == 3 ? 0 : Folder;
            var deliveries = Enumerable.Range(0, Count).Select(i => life.Harness.Delivery(
                10 + i, names[Folder], new DeliveryId(1, (ulong)life.Deliveries.Count + (ulong)i + 1), null, Names(Flags))).ToList();
            var decided = life.Harness.Commit(draft => deliveries.ConvertAll(d => draft.Deliver(d, life.Harness.Now)));
            for (var i = 0; i < Count; i++)
            {
                Life.Expect(life.Model.Deliver(folder, deliveries[i]), (decided[i].Status, decided[i].Email));
            }

            life.Deliveries.AddRange(deliveries.Select(d => (folder, d)));
            return Task.CompletedTask;
        }
    }

    private sealed record Repeat(int Earlier) : Step
    {
        public override Task RunAsync(Life life)
        {
            if (life.Deliveries.Count > 0)
            {
                var (folder, delivery) = life.Deliveries[Earlier % life.Deliveries.Count];
                var decided = life.Harness.Commit(draft => draft.Deliver(delivery with { Email = EmailId.New(life.Harness.Now) }, life.Harness.Now));
                var modelled = delivery with { Email = decided.Status == DeliveryStatus.Delivered ? decided.Email : delivery.Email };
                Life.Expect(life.Model.Deliver(folder, modelled), (decided.Status, decided.Email));
            }

            return Task.CompletedTask;
        }
    }

    private sealed record Store(uint Bits, int Folder, FlagsChange Change, int Flags, int Since) : Step
    {
        public override async Task RunAsync(Life life)
        {
            // The harness changes in one commit, which holds three segments.
            var uids = life.Uids(Folder, Bits).Take(10).ToArray();
            var request = new StoreFlagsRequest(Folder + 1, [.. uids], Change, [.. Names(Flags)], Since < 0 ? null : Since);
            if (uids.Length > 0)
            {
                var (changed, modified) = life.Model.StoreFlags(request with { Uids = [.. uids[..await CoveredAsync(life, uids)]] });
                var stored = await life.Harness.StoreFlagsAsync(request with { Uids = [.. uids[..await CoveredAsync(life, uids)]] });
                Life.Expect(string.Join(' ', changed), string.Join(' ', stored.Changed));
                Life.Expect(string.Join(' ', modified), string.Join(' ', stored.Modified));
                Life.Expect(life.Model.ModSeq, stored.ModSeq);
            }
        }

        private async Task<int> CoveredAsync(Life life, uint[] uids)
        {
            var pins = new List<SegmentPin>();
            var covered = await life.Harness.State.PinNextAsync(life.Harness.State.Find(Folder + 1)!, uids, pins, default);
            pins.ForEach(p => p.Dispose());
            return covered;
        }
    }

    private sealed record Expunge(uint Bits, int Folder) : Step
    {
        public override async Task RunAsync(Life life)
        {
            // Few at a time: the model expunges in one commit, and so do segments that can be held together.
            var uids = life.Uids(Folder, Bits).Take(3).ToArray();
            Life.Expect(life.Model.Expunge(Folder + 1, uids), await life.Harness.ExpungeAsync(Folder + 1, uids));
        }
    }

    private sealed record Purge(int Most) : Step
    {
        public override async Task RunAsync(Life life) => life.Model.Purge(await life.Harness.PurgeAsync(Most));
    }

    private sealed record Snapshot(bool Written) : Step
    {
        public override Task RunAsync(Life life) => life.Harness.SnapshotAsync(Written);
    }

    private sealed record Reload : Step
    {
        public override Task RunAsync(Life life)
        {
            life.Harness.Reload();
            return Task.CompletedTask;
        }
    }

    private sealed record Quota(int Hundreds) : Step
    {
        public override Task RunAsync(Life life)
        {
            life.Model.QuotaBytes = Hundreds * 100L;
            life.Harness.Commit(draft => draft.SetQuota(Hundreds * 100L));
            return Task.CompletedTask;
        }
    }
}
