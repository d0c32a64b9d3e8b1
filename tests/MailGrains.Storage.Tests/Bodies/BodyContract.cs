using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Azurite;

namespace MailGrains.Storage.Tests.Bodies;

public sealed class SqliteBodyTests : BodyContract
{
    protected override Task<BodyRig> OpenAsync() => Task.FromResult(BodyRig.OnSqlite());
}

public sealed class AzureBodyTests(AzuriteFixture azurite) : BodyContract
{
    protected override Task<BodyRig> OpenAsync() => BodyRig.OnAzuriteAsync(azurite.Server);
}

/// <summary>What messages and bodies promise on every store.</summary>
public abstract class BodyContract
{
    private static readonly MailboxId Mailbox = MailboxId.New("acme", 1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<BodyRig> OpenAsync();

    [Fact]
    public async Task AMessageComesBackByteForByteAndInWindows()
    {
        await using var rig = await OpenAsync();
        var holder = BodyHolder.Of(Mailbox);
        foreach (var length in (int[])[0, 4_096, MessageBody.InlineLimit, 200_000])
        {
            var email = rig.NewEmail();
            var content = BodyRig.Content(length);
            var body = length > MessageBody.InlineLimit ? await rig.WriteAsync(email, content, holder) : new MessageBody(length, content, null);
            var delivery = rig.Delivery(email, body, prefix: BodyRig.Content(300, seed: 2));
            await rig.KeepAsync(holder, delivery);

            byte[] whole = [.. delivery.Prefix, .. content];
            var stored = await rig.Messages.ReadAsync(Mailbox, email, Cancellation);
            Assert.Equal(whole.Length, stored!.Bytes);
            foreach (var (offset, count) in ((long, long?)[])[(0, null), (0, 0), (299, 2), (300, null), (150, 1_000), (10_000_000, 1)])
            {
                foreach (var hint in (long[])[whole.Length, 0, long.MaxValue])
                {
                    await using var stream = await rig.Messages.OpenAsync(Mailbox, email, hint, offset, count, Cancellation);
                    var expected = whole.Skip((int)Math.Min(offset, whole.Length)).Take((int)(count ?? whole.Length)).ToArray();
                    Assert.Equal(expected.Length, stream!.Length);
                    Assert.Equal(expected, await ReadAsync(stream));
                }
            }
        }

        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task AMessageThatIsNotThereReadsAsNull()
    {
        await using var rig = await OpenAsync();
        Assert.Null(await rig.Messages.ReadAsync(Mailbox, rig.NewEmail(), Cancellation));
        Assert.Null(await rig.Messages.OpenAsync(Mailbox, rig.NewEmail(), 100, Cancellation));
        Assert.Null(await rig.Messages.OpenAsync(Mailbox, rig.NewEmail(), 100_000, Cancellation));
    }

    [Fact]
    public async Task ASoleHoldersBodyGoesWithIt()
    {
        await using var rig = await OpenAsync();
        var (email, holder) = (rig.NewEmail(), BodyRig.Mailbox(account: 1));
        var body = await rig.WriteAsync(email, BodyRig.Content(50_000), holder);
        Assert.Equal((50_000, 1, false), (body.Length, body.Blob!.Account, body.Blob.Shared));
        Assert.Equal($"body/acme/20260301/{holder.Key}/{email}", body.Blob.Name);
        Assert.Empty(await rig.HoldersAsync(body.Blob));

        await rig.Bodies.RemoveHolderAsync(body.Blob, holder, Cancellation);
        Assert.False(await rig.ExistsAsync(body.Blob));
        await rig.Bodies.RemoveHolderAsync(body.Blob, holder, Cancellation);
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ASharedBodyLivesUntilItsLastHolderGoes()
    {
        await using var rig = await OpenAsync();
        var email = rig.NewEmail();
        BodyHolder[] holders = [.. Enumerable.Range(0, 101).Select(i => BodyRig.Mailbox(account: i % 2))];
        var body = await rig.WriteAsync(email, BodyRig.Content(50_000), holders);
        Assert.Equal(holders.Select(h => h.Key).Order(StringComparer.Ordinal), await rig.HoldersAsync(body.Blob!));
        Assert.Equal(1, rig.BlobStores.Sum(b => b.Writes));

        await Task.WhenAll(holders[1..].Select(holder => rig.Bodies.RemoveHolderAsync(body.Blob!, holder, Cancellation)));
        await rig.Bodies.RemoveHolderAsync(body.Blob!, holders[1], Cancellation);
        Assert.True(await rig.ExistsAsync(body.Blob!));
        await rig.Bodies.RemoveHolderAsync(body.Blob!, holders[0], Cancellation);
        Assert.False(await rig.ExistsAsync(body.Blob!));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task HoldersThatGoAtOnceLeaveNothing()
    {
        await using var rig = await OpenAsync();
        for (var round = 0; round < 5; round++)
        {
            BodyHolder[] holders = [.. Enumerable.Range(0, 8).Select(i => BodyRig.Mailbox(account: i % 2))];
            var body = await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), holders);
            await Task.WhenAll(holders.Select(h => Task.Run(() => rig.Bodies.RemoveHolderAsync(body.Blob!, h, Cancellation), Cancellation)));
            Assert.False(await rig.ExistsAsync(body.Blob!));
        }

        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task AHolderHandsItsBodyOverWithoutAGap()
    {
        await using var rig = await OpenAsync();
        var (email, queue, mailbox) = (rig.NewEmail(), new BodyHolder(0, "queue:acme:example.test:0"), BodyRig.Mailbox(account: 1));
        var body = await rig.WriteAsync(email, BodyRig.Content(50_000), queue);
        await rig.KeepAsync(queue, rig.Delivery(email, body));

        var shared = await rig.Bodies.AddHolderAsync(body.Blob!, queue, mailbox, Cancellation);
        await rig.KeepAsync(mailbox, rig.Delivery(email, body with { Blob = shared }));
        Assert.True((await rig.CheckAsync()).IsClean);

        // The queue was stopped before it kept the answer: it still believes to be the sole holder.
        await rig.ForgetAsync(queue, email);
        await rig.Bodies.RemoveHolderAsync(body.Blob!, queue, Cancellation);
        Assert.Equal([mailbox.Key], await rig.HoldersAsync(shared));
        await rig.AssertCleanAsync();

        await rig.ForgetAsync(mailbox, email);
        await rig.Bodies.RemoveHolderAsync(shared, mailbox, Cancellation);
        await rig.AssertCleanAsync();
        Assert.False(await rig.ExistsAsync(shared));
    }

    [Fact]
    public async Task ACopyIsABodyOfItsOwn()
    {
        await using var rig = await OpenAsync();
        var (first, other) = (BodyRig.Mailbox(), BodyRig.Mailbox(account: 1, tenant: "other"));
        var (email, copied) = (rig.NewEmail(), rig.NewEmail());
        var content = BodyRig.Content(70_000);
        var body = await rig.WriteAsync(email, content, first);
        var copy = await rig.Bodies.CopyAsync(body.Blob!, "other", copied, [other], Cancellation);
        await rig.Bodies.RemoveHolderAsync(body.Blob!, first, Cancellation);
        await rig.KeepAsync(other, rig.Delivery(copied, copy, prefix: []));
        await using var stream = await rig.Accounts[1].Blobs.ReadAsync(copy.Blob!.Name, 0, null, Cancellation);
        Assert.Equal(content, await ReadAsync(stream!));
        await rig.AssertCleanAsync();
        await Assert.ThrowsAsync<StoreException>(() => rig.Bodies.CopyAsync(body.Blob!, "other", rig.NewEmail(), [other], Cancellation));
    }

    [Fact]
    public async Task ABodyThatWasRefusedGoesWithItsRows()
    {
        await using var rig = await OpenAsync();
        var sole = await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(50_000), BodyRig.Mailbox());
        var shared = await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(50_000), [.. Enumerable.Range(0, 101).Select(_ => BodyRig.Mailbox())]);
        foreach (var body in (MessageBody[])[sole, shared, shared])
        {
            await rig.Bodies.DiscardAsync(body.Blob!, Cancellation);
        }

        Assert.False(await rig.ExistsAsync(sole.Blob!) || await rig.ExistsAsync(shared.Blob!));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ContentThatFailsOnItsWayLeavesNothing()
    {
        await using var rig = await OpenAsync();
        await using var content = new FailingStream(5_000_000);
        await Assert.ThrowsAsync<IOException>(() => rig.Bodies.WriteAsync("acme", rig.NewEmail(), [BodyRig.Mailbox(), BodyRig.Mailbox()], content, Cancellation));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task ASweepTakesWhatACrashLeftAndNothingElse()
    {
        await using var rig = await OpenAsync();
        var kept = await KeptSoleAsync(rig, account: 1);
        var orphan = await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox(account: 1));
        var shared = await SharedAsync(rig, keeping: 1, of: 3);
        var nobodys = await SharedAsync(rig, keeping: 0, of: 3);

        rig.Time.Advance(TimeSpan.FromDays(2));
        Assert.Equal(default, await rig.SweepAsync());
        Assert.Equal(default, await rig.SweepAsync(1));

        rig.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(new SweepReport(2, 1, 0, 0), await rig.SweepAsync(1));
        Assert.Equal(new SweepReport(2, 1, 5, 0), await rig.SweepAsync());
        Assert.True(await rig.ExistsAsync(kept));
        Assert.False(await rig.ExistsAsync(orphan.Blob!));
        Assert.True(await rig.ExistsAsync(shared));
        Assert.False(await rig.ExistsAsync(nobodys));
        await rig.AssertCleanAsync();

        Assert.Equal(new SweepReport(1, 0, 0, 0), await rig.SweepAsync());
        Assert.Equal(new SweepReport(1, 0, 0, 0), await rig.SweepAsync(1));
        await rig.AssertCleanAsync();
    }

    private static async Task<BodyBlob> KeptSoleAsync(BodyRig rig, int account)
    {
        var (email, holder) = (rig.NewEmail(), BodyRig.Mailbox(account));
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), holder);
        await rig.KeepAsync(holder, rig.Delivery(email, body));
        return body.Blob!;
    }

    private static async Task<BodyBlob> SharedAsync(BodyRig rig, int keeping, int of)
    {
        var email = rig.NewEmail();
        BodyHolder[] holders = [.. Enumerable.Range(0, of).Select(i => BodyRig.Mailbox(account: i % 2))];
        var body = await rig.WriteAsync(email, BodyRig.Content(40_000), holders);
        foreach (var holder in holders[..keeping])
        {
            await rig.KeepAsync(holder, rig.Delivery(email, body));
        }

        return body.Blob!;
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var whole = new MemoryStream();
        await stream.CopyToAsync(whole, Cancellation);
        return whole.ToArray();
    }
}
