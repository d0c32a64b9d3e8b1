using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Tables;

namespace MailGrains.Storage.Tests.Bodies;

/// <summary>The checker finds each kind of damage, so that a test that ends with it can fail.</summary>
public sealed class BodyCheckTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASoundStoreHasNoFindings()
    {
        await using var rig = BodyRig.OnSqlite();
        await KeepAsync(rig, 10);
        await KeepAsync(rig, 50_000);
        await KeepAsync(rig, 50_000, BodyRig.Mailbox(), BodyRig.Mailbox(account: 1));
        await rig.AssertCleanAsync();
    }

    [Fact]
    public async Task AMissingOrShortBodyIsALoss()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, holder, _) = await KeepAsync(rig, 10);
        await CommitAsync(rig, holder, TableOperation.Delete(MessageRows.BodyRow(email)));
        await AssertLossesAsync(rig, 1);

        (email, holder, _) = await KeepAsync(rig, 10);
        var other = MessageRows.Of(rig.Delivery(email, new MessageBody(9, new byte[9], null)));
        await CommitAsync(rig, holder, other[1]);
        await AssertLossesAsync(rig, 2);
    }

    [Fact]
    public async Task AMissingOrShortBlobIsALoss()
    {
        await using var rig = BodyRig.OnSqlite();
        var (_, _, blob) = await KeepAsync(rig, 50_000);
        await rig.Accounts[0].Blobs.DeleteAsync(blob!.Name, Cancellation);
        await AssertLossesAsync(rig, 1);

        using var content = new MemoryStream(new byte[49_999]);
        await rig.Accounts[0].Blobs.WriteAsync(blob.Name, content, Cancellation);
        await AssertLossesAsync(rig, 1);
    }

    [Fact]
    public async Task ABodyThatIsNotHeldForItsMessageIsALoss()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, holder, blob) = await KeepAsync(rig, 50_000, BodyRig.Mailbox(), BodyRig.Mailbox());
        await rig.Bodies.RemoveHolderAsync(blob!, holder, Cancellation);
        await AssertLossesAsync(rig, 1);

        var sole = (await KeepAsync(rig, 50_000)).Blob!;
        await rig.KeepAsync(BodyRig.Mailbox(), rig.Delivery(email, new MessageBody(50_000, null, sole)));
        await AssertLossesAsync(rig, 2);
    }

    [Fact]
    public async Task WhatNobodyNamesIsALeftover()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, holder, _) = await KeepAsync(rig, 10);
        await CommitAsync(rig, holder, TableOperation.Delete(MessageRows.MessageRow(email)));
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox(account: 1));
        await rig.WriteAsync(rig.NewEmail(), BodyRig.Content(40_000), BodyRig.Mailbox(), BodyRig.Mailbox());
        var findings = await rig.CheckAsync();
        Assert.Empty(findings.Losses);
        Assert.Equal(1 + 1 + 3, findings.Leftovers.Count);
    }

    [Fact]
    public async Task AnUnreadableRowIsALoss()
    {
        await using var rig = BodyRig.OnSqlite();
        var (email, holder, _) = await KeepAsync(rig, 10);
        await CommitAsync(rig, holder, TableOperation.Upsert(MessageRows.MessageRow(email), new RowProperties("h", new byte[] { 99 })));
        await AssertLossesAsync(rig, 1);
    }

    private static async Task<(EmailId Email, BodyHolder First, BodyBlob? Blob)> KeepAsync(BodyRig rig, int length, params BodyHolder[] holders)
    {
        holders = holders is [] ? [BodyRig.Mailbox()] : holders;
        var (email, content) = (rig.NewEmail(), BodyRig.Content(length));
        var body = length > MessageBody.InlineLimit ? await rig.WriteAsync(email, content, holders) : new MessageBody(length, content, null);
        foreach (var holder in holders)
        {
            await rig.KeepAsync(holder, rig.Delivery(email, body));
        }

        return (email, holders[0], body.Blob);
    }

    private static async Task CommitAsync(BodyRig rig, BodyHolder holder, TableOperation operation) =>
        Assert.True((await rig.Accounts[holder.Account].Tables.CommitAsync(TableNames.Mail, holder.Partition, [operation], Cancellation)).Committed);

    private static async Task AssertLossesAsync(BodyRig rig, int losses) => Assert.Equal(losses, (await rig.CheckAsync()).Losses.Count);
}
