using System.Net;
using System.Text;
using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Gateways.Filters;
using MailGrains.Gateways.Smtp;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage.Bodies;
using MailGrains.Testing.Daemons;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Tests.Filters;

/// <summary>What becomes of a message by its verdict: reply, folder, header fields, blobs, log.</summary>
[Collection(SharedGateways.Name)]
public sealed class FilteredDeliveryTests(GatewayCluster cluster, RspamdServer rspamd, ClamdServer clamd)
{
    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(100)]
    [InlineData(200_000)]
    public async Task AcceptedMessageCarriesTheVerdictAboveReceived(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var content = "X-MailGrains-Verdict: mx.hosting.test; accept; forged=accept (forged)\r\n" + TestMail.OfSize(bytes);

        Assert.Equal("250 2.0.0", (await SendAsync(tenant, await BothAsync(), content)).Status);

        var (inbox, junk) = await ReadAsync(tenant);
        Assert.Empty(junk);
        var kept = Assert.Single(inbox);
        Assert.EndsWith(content, kept, StringComparison.Ordinal);
        Assert.Equal(
            ["Return-Path", "Delivered-To", "X-MailGrains-Verdict", "X-Virus-Status", "X-Spam-Score", "Received", "X-MailGrains-Verdict"],
            FieldNames(kept).Take(7));
        Assert.Contains(
            "X-MailGrains-Verdict: mx.hosting.test; accept; clamd=accept (clean);\r\n\trspamd=accept (no-action, 0.00)\r\n", kept,
            StringComparison.Ordinal);
        Assert.DoesNotContain("X-Spam-Flag", kept, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(200_000)]
    public async Task JunkIsKeptInTheJunkFolderAndFlagged(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var log = new RecordedLog<IncomingMessage>();
        var content = "X-Test-Score: 7\r\n" + TestMail.OfSize(bytes);
        var pipeline = await BothAsync();

        Assert.Equal("250 2.0.0", (await SendAsync(tenant, pipeline, content, log: log)).Status);
        Assert.Equal("250 2.0.0", (await SendAsync(tenant, pipeline, content)).Status);

        var (inbox, junk) = await ReadAsync(tenant);
        Assert.Empty(inbox);
        var kept = Assert.Single(junk);
        Assert.Contains("X-Spam-Flag: YES\r\nX-Virus-Status: Clean\r\nX-Spam-Score: 7.00\r\nReceived: ", kept, StringComparison.Ordinal);
        Assert.EndsWith(content, kept, StringComparison.Ordinal);
        Assert.EndsWith("; junk; clamd=accept (clean); rspamd=junk (add-header, 7.00)", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(200_000)]
    public async Task RefusedMessageIsKeptByNobodyAndLeavesNoBlob(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        var log = new RecordedLog<IncomingMessage>();
        var filler = TestMail.OfSize(bytes);
        var pipeline = await BothAsync();
        string[] both = ["bob", "carol"];

        var virus = await SendAsync(tenant, pipeline, filler + ClamdServer.Virus + "\r\n", both, log: log);
        var spam = await SendAsync(tenant, pipeline, "X-Test-Score: 15\r\n" + filler, both);
        var grey = await SendAsync(tenant, pipeline, "X-Test-Score: 5\r\n" + filler, both);

        Assert.StartsWith($"550 5.7.1 Message refused (clamd: {ClamdServer.Signature}), id ", virus.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 Message refused (rspamd: reject), id ", spam.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("451 4.7.1 Message not taken now (rspamd: greylist), try again later, id ", grey.ToString(), StringComparison.Ordinal);
        Assert.Contains($": 550 5.7.1 in ", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.Contains($"; reject; clamd=reject ({ClamdServer.Signature}); ", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.Equal((0, 0), (await tenant.CountAsync("bob"), await tenant.CountAsync("carol")));
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
    }

    [Theory]
    [InlineData(true, FilterAction.Accept, 100)]
    [InlineData(true, FilterAction.Defer, 100)]
    [InlineData(false, FilterAction.Accept, 200_000)]
    [InlineData(false, FilterAction.Defer, 200_000)]
    public async Task FrozenDaemonLetsThroughOrHoldsUpAsConfigured(bool isRspamd, FilterAction onFailure, int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var limits = TestFilters.Patient with { Timeout = TimeSpan.FromMilliseconds(500), OnFailure = onFailure };
        using IMessageFilter filter = isRspamd ? new RspamdFilter(await rspamd.UrlAsync(), null, limits) : new ClamdFilter(await clamd.AddressAsync(), limits);
        SmtpReply reply;
        using (isRspamd ? rspamd.Freeze() : clamd.Freeze())
        {
            reply = await SendAsync(tenant, TestFilters.Pipeline(filter), TestMail.OfSize(bytes));
        }

        var (inbox, _) = await ReadAsync(tenant);
        if (onFailure == FilterAction.Accept)
        {
            Assert.Equal("250 2.0.0", reply.Status);
            Assert.Contains($"X-MailGrains-Verdict: mx.hosting.test; accept; {filter.Name}=accept (failed:", Assert.Single(inbox), StringComparison.Ordinal);
        }
        else
        {
            Assert.StartsWith($"451 4.7.1 Message not taken now ({filter.Name}: timeout), ", reply.ToString(), StringComparison.Ordinal);
            Assert.Empty(inbox);
            Assert.Empty(await cluster.BlobsAsync(tenant.Name));
        }
    }

    [Fact]
    public async Task WhatAUserSubmitsIsRefusedButNeverJunk()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var pipeline = await BothAsync();

        var unsure = await SendAsync(tenant, pipeline, "X-Test-Score: 7\r\n" + TestMail.New(), login: "ann@example.org");
        var virus = await SendAsync(tenant, pipeline, TestMail.New(ClamdServer.Virus + "\r\n"), login: "ann@example.org");

        Assert.Equal(("250 2.0.0", "550 5.7.1"), (unsure.Status, virus.Status));
        var (inbox, junk) = await ReadAsync(tenant);
        Assert.Empty(junk);
        Assert.Contains("; accept; clamd=accept (clean);\r\n\trspamd=junk (add-header, 7.00)\r\n", Assert.Single(inbox), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RepeatThatIsAcceptedAfterACopyInJunkIsKeptInInboxToo()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var content = TestMail.New();

        foreach (var action in new[] { FilterAction.Junk, FilterAction.Accept, FilterAction.Junk, FilterAction.Accept })
        {
            Assert.Equal("250 2.0.0", (await SendAsync(tenant, TestFilters.Pipeline(new ScriptedFilter("scripted", action)), content)).Status);
        }

        var (inbox, junk) = await ReadAsync(tenant);
        Assert.Equal((1, 1), (inbox.Count, junk.Count));
    }

    [Fact]
    public async Task WithoutFiltersAMessageCarriesNoVerdict()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");

        Assert.Equal("250 2.0.0", (await SendAsync(tenant, TestFilters.Pipeline(), TestMail.New())).Status);

        var (inbox, _) = await ReadAsync(tenant);
        Assert.Equal(["Return-Path", "Delivered-To", "Received", "Message-ID"], FieldNames(Assert.Single(inbox)).Take(4));
    }

    private async Task<FilterPipeline> BothAsync() => TestFilters.Pipeline(
        new ClamdFilter(await clamd.AddressAsync(), TestFilters.Patient), new RspamdFilter(await rspamd.UrlAsync(), null, TestFilters.Patient));

    /// <summary>Sends a message through a gateway with these filters, to bob unless others are named.</summary>
    private async Task<SmtpReply> SendAsync(
        TestTenant tenant, FilterPipeline filters, string content, IReadOnlyList<string>? localparts = null, string? login = null,
        RecordedLog<IncomingMessage>? log = null)
    {
        var services = cluster.Services;
        var handOver = ActivatorUtilities.CreateInstance<HandOver>(services, filters);
        var transaction = new Transaction(ReversePath.Null, new MailParameters());
        foreach (var localpart in localparts ?? ["bob"])
        {
            transaction.Add(new AcceptedRecipient(
                tenant.Address(localpart), [new LocalTarget(await tenant.MailboxAsync(localpart), "")], null));
        }

        var now = DateTimeOffset.UtcNow;
        var origin = new MessageOrigin(IPAddress.Loopback, new SmtpHello("client.example.org", true), EmailId.New(now), now) { Login = login };
        using var message = new IncomingMessage(
            transaction, origin, services.GetRequiredService<GatewayOptions>(), handOver, services.GetRequiredService<GatewayMetrics>(),
            log ?? new RecordedLog<IncomingMessage>());
        foreach (var piece in Encoding.Latin1.GetBytes(content).Chunk(4000))
        {
            Assert.Null(await message.WriteAsync(piece, None));
        }

        return await message.CompleteAsync(None);
    }

    private async Task<(IReadOnlyList<string> Inbox, IReadOnlyList<string> Junk)> ReadAsync(TestTenant tenant)
    {
        var mailbox = await tenant.MailboxAsync("bob");
        var grain = cluster.Grains.GetGrain<IMailboxGrain>(mailbox.ToString());
        var folders = (await grain.GetOverviewAsync(None))!.Folders;
        return (await FolderAsync("\\Inbox"), await FolderAsync("\\Junk"));

        async Task<IReadOnlyList<string>> FolderAsync(string specialUse)
        {
            var page = (await grain.ListMessagesAsync(folders.Single(f => f.SpecialUse == specialUse).Id, 0, MailboxLimits.MaxPage, None))!;
            var messages = new List<string>();
            foreach (var entry in page.Messages)
            {
                await using var stream = (await new StoredMessages(cluster.Accounts).OpenAsync(mailbox, entry.Email, entry.Bytes, None))!;
                using var reader = new StreamReader(stream, Encoding.Latin1);
                messages.Add(await reader.ReadToEndAsync(None));
            }

            return messages;
        }
    }

    private static IEnumerable<string> FieldNames(string message) => message.Split("\r\n")
        .TakeWhile(l => l.Length > 0)
        .Where(l => l[0] is not (' ' or '\t'))
        .Select(l => l[..l.IndexOf(':', StringComparison.Ordinal)]);
}
