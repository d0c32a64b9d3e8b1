using System.Collections.Immutable;
using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Grains.Queues;
using MailGrains.Storage;
using MailGrains.Storage.Journals;

namespace MailGrains.Grains.Tests.Queues;

/// <summary>The committed state by its events, by its snapshot, and by a model that knows what is left of each message.</summary>
public sealed class QueueStateModelTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What one call does: its kind, which message it means, and how.</summary>
    private static readonly Gen<(int Kind, int Message, int How)[][]> Batches =
        Gen.Select(Gen.Int[0, 12], Gen.Int[0, 11], Gen.Int[0, 1_000]).Array[1, 6].Array[1, 25];

    [Fact]
    public void Events_and_snapshots_give_the_same_state_and_nothing_is_lost_or_taken_twice() =>
        Batches.Sample(
            batches =>
            {
                var run = new Run();
                for (var i = 0; i < batches.Length; i++)
                {
                    run.Commit(batches[i], activation: i / 3);
                }

                run.Check();
            },
            iter: 400);

    [Fact]
    public void Calls_that_commit_together_come_to_the_same_as_one_by_one() =>
        Batches.Sample(
            batches =>
            {
                var (together, single) = (new Run(), new Run());
                for (var i = 0; i < batches.Length; i++)
                {
                    together.Commit(batches[i], activation: i / 3);
                    foreach (var call in batches[i])
                    {
                        single.Commit([call], activation: i / 3);
                    }
                }

                Assert.Equal(single.Described, together.Described);
            },
            iter: 400);

    [Fact]
    public void What_is_stored_of_an_envelope_is_read_again_whole() =>
        Gen.Select(Gen.String, Gen.String[0, 40], Gen.Int[1, 5], Gen.Int[-9, 9], Gen.Bool).Sample((text, other, recipients, priority, flag) =>
        {
            var message = new QueuedMessage(
                EmailId.New(Noon), "trace", text,
                [
                    .. Enumerable.Range(0, recipients).Select(i => new QueuedRecipient($"{other}{i}@there.example", new DeliveryId(7, (ulong)i))
                    {
                        Notify = (NotifyOn)(i * 2),
                        OriginalRecipient = flag ? other : null,
                        ReversePath = flag ? null : text,
                        Mailbox = flag ? new MailboxId("tenant", i, "unique") : null,
                        Detail = flag ? other : "",
                        IsJunk = flag,
                        OtherIds = flag ? [new DeliveryId(1, 2), new DeliveryId(3, 4)] : [],
                    }),
                ],
                [1], new MessageBody(3, [1, 2, 3], null), [9, 9], 42, Noon)
            {
                Needs = (MessageNeeds)(recipients * 3),
                Return = ReturnContent.Headers,
                EnvelopeId = flag ? text : null,
                NotBefore = flag ? Noon : null,
                DeliverBy = flag ? null : new DeliverBy(Noon, true, false),
                Priority = priority,
                Submitter = flag ? null : other,
                ReceivedFrom = other,
            };
            var stored = new Storage.Bodies.StoredMessage(
                message.Email, Noon, "trace", 1, 3, null, default, message.Summary, EnvelopeCodec.Encode(message));
            var read = EnvelopeCodec.Decode(stored, message.Trace, message.Body.Inline);
            Assert.Equivalent(message, read, strict: true);
        });

    private sealed class Run
    {
        private readonly QueueState _state = new();
        private readonly EmailId[] _emails = [.. Enumerable.Range(0, 12).Select(i => new EmailId((ulong)i + 1, 7))];

        // Recipients by message that wait; what was taken is never taken again.
        private readonly Dictionary<EmailId, HashSet<int>> _left = [];
        private readonly HashSet<EmailId> _taken = [];
        private long _sequence;

        public IReadOnlyList<string> Described => Describe(_state);

        public void Commit((int Kind, int Message, int How)[] batch, int activation)
        {
            _state.OwnSender = activation % 3 == 1 ? null : $"10.0.0.1:11111@{activation}";
            var draft = _state.BeginDraft();
            foreach (var (kind, message, how) in batch)
            {
                Call(draft, kind, _emails[message], how);
            }

            if (!draft.Events.IsEmpty)
            {
                _state.Apply(++_sequence, draft.Events.Span);
            }
        }

        public void Check()
        {
            var read = new QueueState();
            read.Restore(_state.CaptureSnapshot()!.Head, null!);
            Assert.Equal(Describe(_state), Describe(read));
            Assert.Equal(
                _left.OrderBy(l => l.Key).Select(l => $"{l.Key}: {string.Join(',', l.Value.Order())}"),
                _state.Entries.Where(e => !e.Left.IsEmpty).OrderBy(e => e.Email).Select(e => $"{e.Email}: {string.Join(',', e.Left.Indexes())}"));
        }

        private void Call(QueueDraft draft, int kind, EmailId email, int how)
        {
            switch (kind)
            {
                case 0 or 1 or 2:
                    Enqueue(draft, email, recipients: 1 + (how % 70), starts: how % 2 == 0);
                    break;
                case 3:
                    draft.Start(email);
                    break;
                case 4 or 5 or 6:
                    Report(draft, email, how);
                    break;
                case 7:
                    draft.Suspend(new QueueMark("op", "why", how % 2 == 0 ? Noon : null));
                    break;
                case 8:
                    draft.Route(how % 2 == 0 ? new QueueRoute("host", how, new QueueMark("op", "why", null)) : null);
                    break;
                case 9:
                    var mark = new QueueMark("op", $"why {how % 3}", how % 2 == 0 ? Noon : null);
                    draft.Change(email, e => (e.Flags, e.Hold) = (e.Flags | EntryFlags.Held, mark), onlyIdle: false);
                    break;
                case 10:
                    draft.Change(email, e => e.Release(how), onlyIdle: false);
                    break;
                case 11:
                    draft.MakeAllDue(how);
                    break;
                default:
                    // What it says to its sender is forgotten: then a message with nobody left goes.
                    draft.Change(email, e => e.Notices = null, onlyIdle: false);
                    break;
            }
        }

        private void Enqueue(QueueDraft draft, EmailId email, int recipients, bool starts)
        {
            var message = new QueuedMessage(
                email, "t", "a@b.c", [.. Enumerable.Range(0, recipients).Select(i => new QueuedRecipient($"r{i}@x.y", new DeliveryId(email.High, (ulong)i)))],
                [], new MessageBody(1, [1], null), [], 1, Noon);
            var decision = draft.Enqueue(message, new QueueEntry(email) { Left = RecipientSet.All(recipients), Due = 5, Expires = 50 }, 10, Noon, starts);
            if (decision.Status == EnqueueStatus.Queued)
            {
                // A later hand-over of the same message can bring the recipients that the first did not have.
                var added = Enumerable.Range(0, recipients).Where(i => !_taken.Contains(new EmailId(email.High, (ulong)i + 1_000))).ToHashSet();
                Assert.NotEmpty(added);
                Assert.False(_left.ContainsKey(email));
                _left[email] = added;
                _taken.UnionWith(added.Select(i => new EmailId(email.High, (ulong)i + 1_000)));
            }
            else if (decision.Status == EnqueueStatus.Full)
            {
                Assert.True(_left.Count <= 12);
            }
        }

        private void Report(QueueDraft draft, EmailId email, int how)
        {
            // Attempts count up: whoever guesses the latest is heard, where one has begun.
            for (var attempt = 1; attempt < 30; attempt++)
            {
                var outcomes = (_left.GetValueOrDefault(email) ?? []).Select(i => new RecipientOutcome(
                    i, (OutcomeKind)(1 + ((i + how) % 5)), 450, "4.0.0", how % 3 == 0 ? "busy" : $"reply {how}", how % 2 == 0 ? "mx" : null)).ToImmutableArray();
                if (draft.Report(new RelayReport(email, attempt, RelayStatus.Tried, outcomes) { IsUncertain = how % 7 == 0 }, how, now: 0, isLost: false).IsTaken)
                {
                    _left[email].RemoveWhere(i => outcomes.First(o => o.Recipient == i).Kind != OutcomeKind.Deferred);
                    if (_left[email].Count == 0)
                    {
                        _left.Remove(email);
                    }

                    return;
                }
            }
        }

        private static List<string> Describe(QueueState state)
        {
            var lines = state.Entries.OrderBy(e => e.Email).Select(e =>
                $"{e.Email} {string.Join(',', e.Left.Indexes())} {e.Due} {e.Expires} {e.DelayAt} {e.Attempts} {e.Tries} {e.Flags} {e.LastReply} {e.Hold} " +
                string.Join(';', e.Notices ?? [])).ToList();
            lines.Add($"{state.Sender} {state.Suspended} {state.Route} {state.LastReply} {state.DeliveryIds.Count}");
            return lines;
        }
    }
}
