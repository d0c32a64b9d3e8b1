using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;

namespace MailGrains.Storage.Tests.Bodies;

/// <summary>
/// Gateways, mailboxes and a queue do what they do with bodies, each stopped anywhere on its way, while days go by and sweeps run: no kept
/// message ever loses its body, and once all has settled nothing is left of what nobody keeps.
/// </summary>
public sealed class BodyModelTests
{
    private static readonly Gen<(Step Step, int Who, int StopAfter)[]> Steps =
        Gen.Select(Gen.Enum<Step>(), Gen.Int[0, 1_000], Gen.Int[0, 4]).Array[5, 40];

    public enum Step
    {
        Deliver,
        DeliverToMany,
        Enqueue,
        HandOver,
        Expunge,
        Wait,
        Sweep,
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task NothingIsLostAndNothingStays()
    {
        var runs = new List<(Step, int, int)[]>();
        Steps.Sample(runs.Add, iter: 8, threads: 1);
        foreach (var run in runs)
        {
            await using var rig = BodyRig.OnSqlite();
            var world = new World(rig);
            foreach (var (step, who, stopAfter) in run)
            {
                await world.DoAsync(step, who, stopAfter);
            }

            Assert.Empty((await rig.CheckAsync()).Losses);
            rig.Time.Advance(TimeSpan.FromDays(4));
            await rig.Sweeper.SweepAsync(rig.Accounts[0], TimeSpan.MaxValue, Cancellation);
            await rig.Sweeper.SweepAsync(rig.Accounts[1], TimeSpan.MaxValue, Cancellation);
            await rig.AssertCleanAsync();
            Assert.Equal(world.Kept, (await world.CountAsync()));
        }
    }

    private sealed class World(BodyRig rig)
    {
        private static readonly BodyHolder Queue = new(0, "queue:acme:example.test:0");

        private readonly BodyHolder[] _mailboxes = [.. Enumerable.Range(0, 4).Select(i => BodyRig.Mailbox(account: i % 2))];
        private readonly List<(BodyHolder Holder, EmailId Email, MessageBody Body)> _kept = [];

        public int Kept => _kept.Count;

        /// <param name="stopAfter">How many of the step's writes are done before its process is killed.</param>
        public Task DoAsync(Step step, int who, int stopAfter) => step switch
        {
            Step.Deliver => DeliverAsync(stopAfter, _mailboxes[who % 4]),
            Step.DeliverToMany => DeliverAsync(stopAfter, [.. _mailboxes.Take((who % 3) + 2)]),
            Step.Enqueue => DeliverAsync(stopAfter, Queue),
            Step.HandOver => HandOverAsync(who, stopAfter),
            Step.Expunge => ExpungeAsync(who, stopAfter),
            Step.Wait => WaitAsync(who),
            _ => rig.SweepAsync(who % 2),
        };

        public async Task<int> CountAsync()
        {
            var count = 0;
            foreach (var (holder, email, _) in _kept)
            {
                count += await rig.Messages.ReadAsync(holder, email, Cancellation) is null ? 0 : 1;
            }

            return count;
        }

        private async Task DeliverAsync(int stopAfter, params BodyHolder[] holders)
        {
            var email = rig.NewEmail();
            var body = await rig.WriteAsync(email, BodyRig.Content(33_000), holders);
            foreach (var holder in holders.Take(stopAfter))
            {
                await rig.KeepAsync(holder, rig.Delivery(email, body));
                _kept.Add((holder, email, body));
            }
        }

        private async Task HandOverAsync(int who, int stopAfter)
        {
            var queued = _kept.FindIndex(k => k.Holder == Queue);
            if (queued < 0 || stopAfter == 0)
            {
                return;
            }

            var (_, email, body) = _kept[queued];
            var mailbox = _mailboxes[who % 4];
            var shared = await rig.Bodies.AddHolderAsync(body.Blob!, Queue, mailbox, Cancellation);
            if (stopAfter == 1)
            {
                return;
            }

            await rig.KeepAsync(mailbox, rig.Delivery(email, body with { Blob = shared }));
            if (_kept.All(k => (k.Holder, k.Email) != (mailbox, email)))
            {
                _kept.Add((mailbox, email, body with { Blob = shared }));
            }

            if (stopAfter == 2)
            {
                return;
            }

            await rig.ForgetAsync(Queue, email);
            _kept.RemoveAt(queued);
            if (stopAfter > 3)
            {
                await rig.Bodies.RemoveHolderAsync(body.Blob!, Queue, Cancellation);
            }
        }

        private async Task ExpungeAsync(int who, int stopAfter)
        {
            if (_kept.Count == 0 || stopAfter == 0)
            {
                return;
            }

            // As a purge does: first the body, then the rows; a purge that was stopped between the two is done again.
            var (holder, email, body) = _kept[who % _kept.Count];
            _kept.RemoveAt(who % _kept.Count);
            await rig.Bodies.RemoveHolderAsync(body.Blob!, holder, Cancellation);
            if (stopAfter == 1)
            {
                await rig.Bodies.RemoveHolderAsync(body.Blob!, holder, Cancellation);
            }

            await rig.ForgetAsync(holder, email);
        }

        private Task WaitAsync(int who)
        {
            rig.Time.Advance(TimeSpan.FromHours(who % 30));
            return Task.CompletedTask;
        }
    }
}
