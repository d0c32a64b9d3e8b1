using System.Buffers;
using CsCheck;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Journals;

namespace MailGrains.Storage.Tests.Journals;

public sealed class DeliveryIdWindowTests(ITestOutputHelper output)
{
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void AnIdIsFoundForSevenDays()
    {
        var window = new DeliveryIdWindow();
        var kept = EmailId.New(Start);
        window.Add(Id(1), kept, Start);
        Assert.True(window.TryFind(Id(1), Start + DeliveryIdWindow.Age - TimeSpan.FromSeconds(1), out var found));
        Assert.Equal(kept, found);
        Assert.False(window.TryFind(Id(1), Start + DeliveryIdWindow.Age, out _));
        window.Add(Id(2), kept, Start + DeliveryIdWindow.Age);
        Assert.Equal(1, window.Count);
    }

    [Fact]
    public void NoIdIsNeverARepeat()
    {
        var window = new DeliveryIdWindow();
        var draft = window.BeginDraft();
        window.Add(DeliveryId.None, EmailId.New(Start), Start);
        draft.Add(DeliveryId.None, EmailId.New(Start));
        Assert.Equal(0, window.Count);
        Assert.False(window.TryFind(DeliveryId.None, Start, out _));
        Assert.False(draft.TryFind(DeliveryId.None, Start, out _));
    }

    [Fact]
    public void ABetterCopyTakesThePlaceOfTheKeptOne()
    {
        var window = new DeliveryIdWindow();
        var (first, second) = (EmailId.New(Start), EmailId.New(Start));
        window.Add(Id(1), first, Start);
        window.Add(Id(1), second, Start.AddDays(6));
        Assert.Equal(1, window.Count);
        Assert.True(window.TryFind(Id(1), Start.AddDays(12), out var found));
        Assert.Equal(second, found);
    }

    [Fact]
    public void ADraftFindsWhatItsBatchHasTakenAndTheWindowDoesNot()
    {
        var window = new DeliveryIdWindow();
        var kept = EmailId.New(Start);
        window.Add(Id(1), kept, Start);
        var draft = window.BeginDraft();
        draft.Add(Id(2), kept);
        draft.Remove(Id(1));
        Assert.True(draft.TryFind(Id(2), Start, out _));
        Assert.False(draft.TryFind(Id(1), Start, out _));
        Assert.False(window.TryFind(Id(2), Start, out _));
        Assert.True(window.TryFind(Id(1), Start, out _));
        draft.Add(Id(1), kept);
        Assert.True(draft.TryFind(Id(1), Start, out _));
    }

    [Fact]
    public void AFullWindowDropsTheOldestAndStaysSmall()
    {
        var window = new DeliveryIdWindow();
        var ids = Enumerable.Range(0, DeliveryIdWindow.MaxIds + 500).Select(_ => (Id: NewId(), Kept: EmailId.New(Start))).ToArray();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var empty = new DeliveryIdWindow();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);
        Assert.Equal(0, empty.Count);
        foreach (var (index, (id, kept)) in ids.Index())
        {
            window.Add(id, kept, Start.AddSeconds(index));
        }

        Assert.Equal(DeliveryIdWindow.MaxIds, window.Count);
        var end = Start.AddSeconds(ids.Length);
        Assert.All(ids.Take(500), entry => Assert.False(window.TryFind(entry.Id, end, out _)));
        Assert.All(ids.Skip(500), entry => Assert.True(window.TryFind(entry.Id, end, out var kept) && kept == entry.Kept));

        var stored = new ArrayBufferWriter<byte>();
        window.Write(stored);
        output.WriteLine($"{(double)stored.WrittenCount / window.Count:F1} bytes an id in a snapshot");
        Assert.InRange(stored.WrittenCount, 1, 31 * DeliveryIdWindow.MaxIds);

        // Read into arrays of the right size: what a window of 20,000 ids holds on to.
        var started = GC.GetAllocatedBytesForCurrentThread();
        ReadOnlySpan<byte> input = stored.WrittenSpan;
        var read = DeliveryIdWindow.Read(ref input);
        var bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - started) / read.Count;
        output.WriteLine($"{bytes:F1} bytes an id in memory");
        Assert.InRange(bytes, 1, 64);
    }

    [Fact]
    public void ItBehavesLikeAListOfWhatWasTaken() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[1, 40], Gen.Int[0, 60_000]).List[0, 200].Sample(steps =>
        {
            var window = new DeliveryIdWindow();
            var model = new List<(DeliveryId Id, EmailId Kept, DateTimeOffset At)>();
            var now = Start;
            foreach (var (kind, number, seconds) in steps)
            {
                now = now.AddSeconds(seconds);
                var id = Id(number);
                if (kind == 0)
                {
                    Assert.Equal(model.RemoveAll(e => e.Id == id) > 0, window.Remove(id));
                    continue;
                }

                var kept = EmailId.New(now.AddDays(kind == 1 ? 0 : -number));
                model.RemoveAll(e => e.Id == id || now - e.At >= DeliveryIdWindow.Age);
                model.Add((id, kept, now));
                window.Add(id, kept, now);
                Assert.Equal(model.Count, window.Count);
            }

            var stored = new ArrayBufferWriter<byte>();
            window.Write(stored);
            ReadOnlySpan<byte> input = (byte[])[.. stored.WrittenSpan, 1, 2, 3];
            var read = DeliveryIdWindow.Read(ref input);
            Assert.Equal(3, input.Length);
            for (var number = 1; number <= 40; number++)
            {
                var expected = model.Where(e => e.Id == Id(number) && now - e.At < DeliveryIdWindow.Age).Select(e => (EmailId?)e.Kept).SingleOrDefault();
                Assert.Equal(expected, window.TryFind(Id(number), now, out var found) ? found : null);
                Assert.Equal(expected, read.TryFind(Id(number), now, out found) ? found : null);
            }
        }, iter: 300);

    [Fact]
    public void DamageAndNewerFormatsAreRefused()
    {
        var window = new DeliveryIdWindow();
        window.Add(Id(1), EmailId.New(Start), Start);
        var stored = new ArrayBufferWriter<byte>();
        window.Write(stored);
        for (var length = 0; length < stored.WrittenCount; length++)
        {
            Refused(stored.WrittenSpan[..length].ToArray());
        }

        Refused([2, .. stored.WrittenSpan[1..]]);
        Refused([1, 0xff, 0xff, 0xff, 0xff, 0x0f]);

        static void Refused(byte[] bytes) => Assert.Equal(StoreFailure.Unreadable, Assert.Throws<StoreException>(() =>
        {
            ReadOnlySpan<byte> input = bytes;
            DeliveryIdWindow.Read(ref input);
        }).Failure);
    }

    private static DeliveryId Id(int number) => new((ulong)number, (ulong)number % 3);

    private static DeliveryId NewId() => new((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64());
}
