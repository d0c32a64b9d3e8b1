using System.Net;
using MailGrains.Contracts.Queues;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Tests.Wire;
using MailGrains.Protocols.Smtp;
using MailGrains.Storage.Bodies;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>Who may send to other servers, and what the queues get.</summary>
[Collection(SharedGateways.Name)]
public sealed class RelayTests(GatewayCluster cluster)
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task SubmissionToOtherServersIsOneQueuedMessageADomainOfTheSubmittersTenant()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        await using var client = await SmtpClient.LogInAsync(cluster, tenant, "alice");
        await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}>");
        foreach (var recipient in new[] { "Bob.Smith@Example.COM", "\"c d\"@example.com", "x@other.example", "bob.smith@example.com", "Bob.Smith@example.com" })
        {
            Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(recipient), StringComparison.Ordinal);
        }

        var content = SubmittedBy(tenant);
        var reply = await client.DataAsync(content);

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        var queued = cluster.Queues.Of(tenant).OrderBy(q => q.Queue.Domain, StringComparer.Ordinal).ToList();
        Assert.Equal(
            [new QueueId(tenant.Name, 0, "example.com", 0), new QueueId(tenant.Name, 0, "other.example", 0)], queued.Select(q => q.Queue));
        var message = queued[0].Message;
        Assert.Equal(["Bob.Smith@example.com", "\"c d\"@example.com", "bob.smith@example.com"], message.Recipients.Select(r => r.ForwardPath));
        Assert.Equal(3, message.Recipients.Select(r => r.DeliveryId).Distinct().Count());
        Assert.All(message.Recipients, r => Assert.Null(r.Mailbox));
        Assert.Equal(
            (reply["250 2.0.0 ".Length..], tenant.Address("alice"), tenant.Address("alice"), "client.example.org", MessageNeeds.None),
            (message.TraceId, message.ReversePath, message.Submitter, message.ReceivedFrom, message.Needs));
        Assert.StartsWith("Received: from client.example.org ", System.Text.Encoding.ASCII.GetString(message.Trace), StringComparison.Ordinal);
        Assert.Equal(content, System.Text.Encoding.ASCII.GetString(message.Body.Inline!));
        Assert.Equal((message.Email, message.ThreadId), (queued[1].Message.Email, queued[1].Message.ThreadId));
    }

    [Theory]
    [InlineData("", "hi\r\n", MessageNeeds.None)]
    [InlineData("", "gr\u00fc\u00dfe\r\n", MessageNeeds.EightBitMime)]
    [InlineData(" BODY=8BITMIME", "hi\r\n", MessageNeeds.EightBitMime)]
    [InlineData(" SMTPUTF8", "hi\r\n", MessageNeeds.SmtpUtf8)]
    public async Task QueuedMessageSaysWhatItNeeds(string parameters, string line, MessageNeeds needs)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        tenant.LeavesWorkForTheSweeper = true;
        foreach (var content in new[] { SubmittedBy(tenant, line), SubmittedBy(tenant, string.Concat(Enumerable.Repeat("hi\r\n", 10_000)) + line) })
        {
            await using var client = await SmtpClient.LogInAsync(cluster, tenant, "alice");
            await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}>{parameters}");
            await client.RcptAsync("bob@example.com");
            Assert.StartsWith("250 2.0.0 ", await client.DataAsync(content), StringComparison.Ordinal);
        }

        Assert.Equal([needs, needs], cluster.Queues.Of(tenant).Select(q => q.Message.Needs));
    }

    [Fact]
    public async Task LargeMessageToMailboxesAndQueuesOfATenantIsOneBlobWithAHolderRowForEach()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        tenant.LeavesWorkForTheSweeper = true;
        var bob = await tenant.AddMailboxAsync("bob");
        await using var client = await SmtpClient.LogInAsync(cluster, tenant, "alice");
        var content = SubmittedBy(tenant, string.Concat(Enumerable.Repeat("a line of text\r\n", 4_000)));

        for (var i = 0; i < 2; i++)
        {
            await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}>");
            foreach (var recipient in new[] { tenant.Address("bob"), "a@example.com", "b@example.com" })
            {
                Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(recipient), StringComparison.Ordinal);
            }

            Assert.StartsWith("250 2.0.0 ", await client.DataAsync(content), StringComparison.Ordinal);
        }

        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        var blob = Assert.Single(await cluster.BlobsAsync(tenant.Name));
        Assert.Equal((blob.Name, true), (message.Body.Blob!.Name, message.Body.Blob.Shared));
        Assert.Equal(
            new[] { BodyHolder.Of(bob).Key, BodyHolder.Of(queue).Key }.Order(StringComparer.Ordinal), await cluster.HoldersAsync(blob.Name));
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task ApplicationServerSendsInTheNameOfTheTenantThatHasItsSendersDomain()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var client = await SmtpClient.OpenAsync(cluster, peer: GatewayCluster.RelayClient);
        await client.AskAsync($"MAIL FROM:<shop@{tenant.Domain}>");
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync("customer@example.com"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
        Assert.Null(Assert.Single(cluster.Queues.Of(tenant)).Message.Submitter);

        // A sender of nobody's, and nobody.
        foreach (var sender in new[] { "shop@example.org", "" })
        {
            await client.AskAsync($"MAIL FROM:<{sender}>");
            Assert.StartsWith("550 5.7.1 ", await client.RcptAsync("customer@example.com"), StringComparison.Ordinal);
            Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(tenant.Address("bob")), StringComparison.Ordinal);
            await client.AskAsync("RSET");
        }
    }

    [Fact]
    public async Task DomainThatIsNotHostedIsReadOnceATransaction()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var client = await SmtpClient.OpenAsync(cluster, peer: GatewayCluster.RelayClient);
        var domain = $"{tenant.Name}.example";
        foreach (var expected in new[] { "first", "second" })
        {
            await client.AskAsync($"MAIL FROM:<shop@{tenant.Domain}>");
            var before = cluster.Tables.Reads;
            await client.RcptAsync($"one@{domain}");
            Assert.True(cluster.Tables.Reads > before, expected);
            before = cluster.Tables.Reads;
            foreach (var localpart in new[] { "two", "three+tag", $"\"{new string('x', 60)} y\"" })
            {
                Assert.StartsWith("250 2.1.5 ", await client.RcptAsync($"{localpart}@{domain}"), StringComparison.Ordinal);
            }

            Assert.Equal(before, cluster.Tables.Reads);
            await client.AskAsync("RSET");
        }

        // Between two transactions it came to us.
        await tenant.PutDomainAsync(domain);
        await client.AskAsync($"MAIL FROM:<shop@{tenant.Domain}>");
        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync($"two@{domain}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ApplicationServersOtherMailIsThatOfTheConfiguredTenant()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var options = cluster.Services.GetRequiredService<GatewayOptions>() with { RelayTenant = "shops" };
        var choice = ActivatorUtilities.CreateInstance<QueueChoice>(cluster.Services, options);

        Assert.Equal("shops", await choice.TenantOfAsync(From("x@example.org", mayRelay: true), None));
        Assert.Equal("shops", await choice.TenantOfAsync(new Transaction(ReversePath.Null, default) { MayRelay = true }, None));
        Assert.Equal(tenant.Name, await choice.TenantOfAsync(From($"x@{tenant.Domain}", mayRelay: true), None));
        Assert.Null(await choice.TenantOfAsync(From($"x@{tenant.Domain}", mayRelay: false), None));
    }

    [Fact]
    public async Task NobodyElseMaySendToOtherServersWhateverItsSender()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        foreach (var peer in new[] { IPAddress.Loopback, IPAddress.Parse("10.26.1.2") })
        {
            await using var client = await SmtpClient.OpenAsync(cluster, peer: peer);
            await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}>");
            foreach (var recipient in new[] { "bob@example.com", "bob@[192.0.2.1]", new string('x', 65) + "@example.com" })
            {
                Assert.StartsWith("550 5.7.1 ", await client.RcptAsync(recipient), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task AddressesThatCouldBeNoneOfOursAreTakenForOtherServers()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice");
        await using var client = await SmtpClient.LogInAsync(cluster, tenant, "alice");
        await client.AskAsync($"MAIL FROM:<{tenant.Address("alice")}>");
        var srs = $"SRS0=HHHH=TT={new string('d', 60)}=user@example.com";

        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync(srs), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync("bob@[192.0.2.1]"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.1.5 ", await client.RcptAsync("bob@[ipv6:2001:DB8:0::1]"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1 ", await client.RcptAsync($"{new string('x', 65)}@{tenant.Domain}"), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(SubmittedBy(tenant)), StringComparison.Ordinal);

        Assert.Equal(
            ["[192.0.2.1] bob@[192.0.2.1]", "[IPv6:2001:db8::1] bob@[IPv6:2001:db8::1]", $"example.com {srs}"],
            cluster.Queues.Of(tenant).Select(q => $"{q.Queue.Domain} {q.Message.Recipients[0].ForwardPath}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task ListSendsToItsMembersAtOtherServersToo()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using var other = await TestTenant.CreateAsync(cluster);
        await other.PutAliasAsync("away", "Carol@Example.com", "dave@example.com");
        await tenant.PutAliasAsync("staff", "bob", "carol@example.com", "erin@example.com", other.Address("away"));

        Assert.StartsWith(
            "250 2.0.0 ", await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("staff"), tenant.Address("bob")), StringComparison.Ordinal);

        Assert.Equal(1, await tenant.CountAsync("bob"));
        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        Assert.Equal(("example.com", SmtpClient.Sender), (queue.Domain, message.ReversePath));
        Assert.Equal(["carol@example.com", "erin@example.com"], message.Recipients.Select(r => r.ForwardPath));
        Assert.Equal(["dave@example.com"], Assert.Single(cluster.Queues.Of(other)).Message.Recipients.Select(r => r.ForwardPath));
    }

    [Fact]
    public async Task CatchAllAndPostmasterMayBeAtOtherServers()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await tenant.PutDomainAsync(tenant.Domain, catchAll: "All@example.com", postmaster: "ann@example.org");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("anybody"), tenant.Address("postmaster"), tenant.Address("bob"));

        Assert.Equal(
            ["All@example.com", "ann@example.org"],
            cluster.Queues.Of(tenant).SelectMany(q => q.Message.Recipients).Select(r => r.ForwardPath).Order(StringComparer.Ordinal));
        Assert.Equal(1, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task EverythingForABackupMxDomainIsQueuedForItsTenant()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var domain = $"backup-{tenant.Domain}";
        await tenant.PutDomainAsync(domain, backupMx: true);
        string[] recipients = [$"Anybody@{domain.ToUpperInvariant()}", $"\"q q\"@{domain}", $"postmaster@{domain}", $"{new string('x', 65)}@{domain}"];

        Assert.StartsWith("250 2.0.0 ", await SmtpClient.SendAsync(cluster, TestMail.New(), recipients), StringComparison.Ordinal);

        var (queue, message) = Assert.Single(cluster.Queues.Of(tenant));
        Assert.Equal(domain, queue.Domain);
        Assert.Equal(
            [$"Anybody@{domain}", $"\"q q\"@{domain}", $"postmaster@{domain}", $"{new string('x', 65)}@{domain}"],
            message.Recipients.Select(r => r.ForwardPath));
    }

    [Fact]
    public async Task BackupMxDomainThatMovedMeanwhileLeavesNothingInTheOldTenantsQueue()
    {
        await using var before = await TestTenant.CreateAsync(cluster);
        await using var after = await TestTenant.CreateAsync(cluster);
        var domain = $"moving-{before.Domain}";
        await before.PutDomainAsync(domain, backupMx: true);
        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync($"bob@{domain}");

        var reply = await client.DataAsync(TestMail.OfSize(40_000), async () =>
        {
            await before.Grain.DeleteDomainAsync(domain, default);
            await after.PutDomainAsync(domain, backupMx: true);
        });

        Assert.StartsWith("451 4.3.0 ", reply, StringComparison.Ordinal);
        Assert.Empty(cluster.Queues.Of(before));
        Assert.Empty(await cluster.BlobsAsync(before.Name));
    }

    [Fact]
    public async Task QueueTakesAtMostAThousandRecipientsOfATransaction()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        string[] lists = [.. Enumerable.Range(0, 11).Select(i => $"list{i}")];
        foreach (var list in lists)
        {
            await tenant.PutAliasAsync(list, [.. Enumerable.Range(0, 100).Select(i => $"{list}-{i}@example.com")]);
        }

        await using var client = await SmtpClient.OpenAsync(cluster);
        await client.BeginAsync([.. lists[..10].Select(tenant.Address)]);

        Assert.StartsWith("452 4.5.3 ", await client.RcptAsync(tenant.Address(lists[10])), StringComparison.Ordinal);
        Assert.StartsWith("250 2.0.0 ", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
        Assert.Equal(1_000, Assert.Single(cluster.Queues.Of(tenant)).Message.Recipients.Length);
    }

    [Fact]
    public async Task ShardIsTheSameForEveryRepeatAndAllAreUsed()
    {
        var options = cluster.Services.GetRequiredService<GatewayOptions>() with { QueueShards = 4 };
        var choice = ActivatorUtilities.CreateInstance<QueueChoice>(cluster.Services, options);
        var shards = new HashSet<int>();
        for (var i = 0; i < 100; i++)
        {
            var path = From("x@example.org", mayRelay: true).ReversePath;
            var queue = await choice.OfAsync("t", "example.com", path, $"user{i}@example.com", None);
            Assert.Equal(queue, await choice.OfAsync("t", "example.com", path, $"user{i}@example.com", None));
            shards.Add(queue.Shard);
        }

        Assert.Equal([0, 1, 2, 3], shards.Order());
    }

    private static Transaction From(string sender, bool mayRelay) => new(Submissions.Submitter.PathOf(sender), default) { MayRelay = mayRelay };

    private static string SubmittedBy(TestTenant tenant, string body = "hi\r\n") =>
        $"From: {tenant.Address("alice")}\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <{Guid.NewGuid():n}@example.org>\r\n\r\n{body}";
}
