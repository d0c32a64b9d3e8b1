using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;
using MailGrains.Testing.Faults;

namespace MailGrains.Storage.Tests.Journals;

using LedgerJournal = Journal<Ledger, LedgerDraft>;

/// <summary>
/// Random calls, repeats, faults, snapshots and activations that come and go, against what callers were told: what was acknowledged is
/// there once, what failed for a known reason is not there, what was lost is there once or not at all, and no delivery is kept twice.
/// </summary>
public sealed class JournalModelTests(SqliteStoreFixture store) : IClassFixture<SqliteStoreFixture>
{
    private static readonly Gen<List<(int Kind, int Count, int Fault)>> Steps =
        Gen.Select(Gen.Int[0, 11], Gen.Int[1, 5], Gen.Int[0, 11]).List[5, 40];

    [Fact]
    public Task NothingAcknowledgedIsLostAndNothingIsDoubled() =>
        Steps.SampleAsync(steps => JournalRig.RunAsync(store.Account, rig => new Run(rig).AllAsync(steps)), iter: 60, threads: 2);

    private enum Told
    {
        Acknowledged,
        Failed,
        Lost,
    }

    private sealed class Run(JournalRig rig)
    {
        private readonly DateTimeOffset _now = DateTimeOffset.UtcNow;
        private readonly Dictionary<int, Told> _told = [];
        private readonly Dictionary<int, List<EmailId>> _kept = [];
        private readonly HashSet<int> _failedDeliveries = [];
        private LedgerJournal? _stale;
        private LedgerJournal _journal = null!;
        private int _nextKey = Ledger.KeysInSegment;

        public async Task AllAsync(List<(int Kind, int Count, int Fault)> steps)
        {
            rig.Options = rig.Options with
            {
                UndoWindow = TimeSpan.Zero,
                SnapshotAfterCommits = 4,
                FirstBackOff = TimeSpan.FromMilliseconds(1),
                MaxBackOff = TimeSpan.FromMilliseconds(4),
                UnknownOutcomeTimeout = TimeSpan.FromMilliseconds(60),
            };
            _journal = await rig.CreateAsync();
            foreach (var (kind, count, fault) in steps)
            {
                await StepAsync(kind, count, fault);
            }

            await VerifyAsync();
        }

        private async Task StepAsync(int kind, int count, int fault)
        {
            Order(fault);
            switch (kind)
            {
                case <= 4:
                    await Task.WhenAll(Enumerable.Range(0, count).Select(_ => AddAsync(_journal)));
                    break;
                case <= 7:
                    await Task.WhenAll(Enumerable.Range(0, count).Select(i => DeliverAsync(kind * 7 + i % 3)));
                    break;
                case 8:
                    await ReloadAsync();
                    break;
                case 9 when _stale is { Status: JournalStatus.Live } stale:
                    await AddAsync(stale);
                    break;
                case 10 when rig.Tables.DelayedCommits > 0:
                    await rig.Tables.LandDelayedAsync(JournalRig.Token);
                    break;
                default:
                    await OutageAsync();
                    break;
            }

            rig.Tables.Heal();
            rig.Blobs.Heal();
            if (_journal.Status != JournalStatus.Live)
            {
                await ReloadAsync();
            }
        }

        private void Order(int fault)
        {
            CommitFault[] faults = fault switch
            {
                1 => [CommitFault.LostBefore],
                2 => [CommitFault.LostAfter],
                3 => [CommitFault.Full],
                4 => [CommitFault.LostBefore, CommitFault.Unavailable, CommitFault.LostAfter],
                5 => [CommitFault.LostAfter, CommitFault.Full],
                6 => [CommitFault.Delayed],
                7 => [CommitFault.Delayed, CommitFault.Unavailable],
                _ => [],
            };
            rig.Tables.Fail(faults);
            if (fault == 8)
            {
                rig.Blobs.FailWrite(BlobFault.Unavailable);
            }
        }

        /// <summary>A commit of unknown outcome in front of an outage that outlasts it.</summary>
        private async Task OutageAsync()
        {
            rig.Tables.Heal();
            var first = true;
            rig.Tables.WhenCommitting = (_, _) =>
            {
                if (!first)
                {
                    return CommitFault.Unavailable;
                }

                first = false;
                return CommitFault.Delayed;
            };
            await Task.WhenAll(AddAsync(_journal), AddAsync(_journal), DeliverAsync(3));
        }

        private async Task ReloadAsync()
        {
            _stale = _journal;
            _journal = await rig.LoadAsync();
        }

        private async Task AddAsync(LedgerJournal journal)
        {
            var key = _nextKey++;
            try
            {
                await journal.AddAsync(key, 1, LedgerCalls.Row($"m:{key:D5}"));
                _told[key] = Told.Acknowledged;
            }
            catch (StoreException)
            {
                _told[key] = Told.Failed;
            }
            catch (JournalLostException)
            {
                _told[key] = Told.Lost;
            }
        }

        private async Task DeliverAsync(int number)
        {
            try
            {
                var (_, kept) = await _journal.DeliverAsync(new DeliveryId((ulong)number + 1, 99), EmailId.New(_now), _now);
                if (!_kept.TryGetValue(number, out var answers))
                {
                    _kept[number] = answers = [];
                }

                answers.Add(kept);
            }
            catch (StoreException)
            {
            }
            catch (JournalLostException)
            {
                _failedDeliveries.Add(number);
            }
        }

        private async Task VerifyAsync()
        {
            while (rig.Tables.DelayedCommits > 0)
            {
                await rig.Tables.LandDelayedAsync(JournalRig.Token);
            }

            await ReloadAsync();
            var amounts = await _journal.State.AmountsAsync(JournalRig.Token);
            foreach (var (key, told) in _told)
            {
                var amount = amounts.GetValueOrDefault(key);
                var row = await rig.CountRowsAsync($"m:{key:D5}");
                Assert.Equal(amount, row);
                Assert.True(told switch { Told.Acknowledged => amount == 1, Told.Failed => amount == 0, _ => amount is 0 or 1 }, $"{key} {told} {amount}");
            }

            var found = Enumerable.Range(0, 100).Count(n => _journal.State.Delivered.TryFind(new DeliveryId((ulong)n + 1, 99), _now, out _));
            Assert.Equal(found, amounts.GetValueOrDefault(0));
            Assert.InRange(found, _kept.Count, _kept.Keys.Union(_failedDeliveries).Count());
            foreach (var (number, answers) in _kept)
            {
                Assert.True(_journal.State.Delivered.TryFind(new DeliveryId((ulong)number + 1, 99), _now, out var kept));
                Assert.All(answers, answer => Assert.Equal(kept, answer));
            }
        }
    }
}
