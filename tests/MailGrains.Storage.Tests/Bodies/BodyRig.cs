using System.Collections.Immutable;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Sqlite;
using MailGrains.Storage.Tables;
using MailGrains.Testing.Azurite;
using MailGrains.Testing.Faults;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Storage.Tests.Bodies;

/// <summary>Two accounts of one test's own, faults between them and the bodies' code, and what mailboxes do with rows, done by hand.</summary>
public sealed class BodyRig : IAsyncDisposable
{
    private readonly Func<ValueTask> _close;

    private BodyRig(IReadOnlyList<StorageAccount> accounts, Func<ValueTask> close)
    {
        _close = close;
        Tables = [.. accounts.Select(a => new FaultingTableStore(a.Tables))];
        BlobStores = [.. accounts.Select(a => new FaultingBlobStore(a.Blobs))];
        Accounts = new StorageAccounts([.. accounts.Select((_, i) => new StorageAccount(i, Tables[i], BlobStores[i]))], Tables[0]);
        Bodies = new BodyBlobs(Accounts, Time);
        Messages = new StoredMessages(Accounts);
        Sweeper = new BodySweeper(Accounts, Time);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));

    public FaultingTableStore[] Tables { get; }

    public FaultingBlobStore[] BlobStores { get; }

    public StorageAccounts Accounts { get; }

    public BodyBlobs Bodies { get; }

    public StoredMessages Messages { get; }

    public BodySweeper Sweeper { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static BodyRig OnSqlite()
    {
        var folders = Enumerable.Range(0, 2).Select(_ => Directory.CreateTempSubdirectory("mailgrains-bodies-").FullName).ToArray();
        var stores = folders.Select(f => SqliteStore.Open(new SqliteStoreOptions { Path = f })).ToArray();
        return new BodyRig([.. stores.Select(s => s.Accounts.Directory)], () =>
        {
            foreach (var (store, folder) in stores.Zip(folders))
            {
                store.Dispose();
                Directory.Delete(folder, recursive: true);
            }

            return ValueTask.CompletedTask;
        });
    }

    public static async Task<BodyRig> OnAzuriteAsync(AzuriteServer server)
    {
        var accounts = await server.OpenStoresAsync(null, server.NewAccount(), server.NewAccount());
        return new BodyRig([accounts[0], accounts[1]], () => ValueTask.CompletedTask);
    }

    public static BodyHolder Mailbox(int account = 0, string tenant = "acme") => BodyHolder.Of(MailboxId.New(tenant, account));

    public static byte[] Content(int length, int seed = 1)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return content;
    }

    public EmailId NewEmail() => EmailId.New(Time.GetUtcNow());

    public MailboxDelivery Delivery(EmailId email, MessageBody body, byte[]? prefix = null, byte[]? summary = null) => new(
        DeliveryId.None, "trace-1", "INBOX", ImmutableArray<string>.Empty, prefix ?? "Return-Path: <>\r\n"u8.ToArray(), body, summary ?? [1, 2, 3], 7,
        Time.GetUtcNow(), email);

    public async Task<MessageBody> WriteAsync(EmailId email, byte[] content, params BodyHolder[] holders)
    {
        using var stream = new MemoryStream(content);
        return await Bodies.WriteAsync("acme", email, holders, stream, Cancellation);
    }

    /// <summary>A holder commits a message.</summary>
    public async Task KeepAsync(BodyHolder holder, MailboxDelivery delivery)
    {
        var commit = await Accounts[holder.Account].Tables.CommitAsync(TableNames.Mail, holder.Partition, MessageRows.Of(delivery), Cancellation);
        Assert.True(commit.Committed);
    }

    /// <summary>A holder forgets a message: its rows go.</summary>
    public async Task ForgetAsync(BodyHolder holder, EmailId email, bool isInline = false)
    {
        var commit = await Accounts[holder.Account].Tables.CommitAsync(TableNames.Mail, holder.Partition, MessageRows.Delete(email, isInline), Cancellation);
        Assert.True(commit.Committed);
    }

    public async Task<bool> ExistsAsync(BodyBlob blob)
    {
        await using var stream = await Accounts[blob.Account].Blobs.ReadAsync(blob.Name, 0, 0, Cancellation);
        return stream is not null;
    }

    /// <summary>The holder rows of a blob.</summary>
    public async Task<List<string>> HoldersAsync(BodyBlob blob)
    {
        var holders = new List<string>();
        var partition = "blobref:" + TableKey.Encode(blob.Name);
        await foreach (var row in Accounts[blob.Account].Tables.ReadRowsAsync(TableNames.Mail, partition, KeyRange.All, Cancellation))
        {
            holders.Add(row.Row);
        }

        return holders;
    }

    public Task<SweepReport> SweepAsync(int account = 0) => Sweeper.SweepAsync(Accounts[account], Cancellation);

    public Task<BodyFindings> CheckAsync() => BodyCheck.RunAsync(Accounts, Cancellation);

    public async Task AssertCleanAsync()
    {
        var findings = await CheckAsync();
        Assert.Empty(findings.Losses);
        Assert.Empty(findings.Leftovers);
    }

    public ValueTask DisposeAsync() => _close();
}
