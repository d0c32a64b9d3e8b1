using System.Text.RegularExpressions;
using MailGrains.Gateways.Tests.Wire;
using MailGrains.Storage.Bodies;

namespace MailGrains.Gateways.Tests.Smtp;

/// <summary>The way of a message from DATA to POP3, and where its bytes lie.</summary>
[Collection(SharedGateways.Name)]
public sealed partial class DeliveryTests(GatewayCluster cluster)
{
    [Fact]
    public async Task SmallMessageIsReadByPop3ByteForByteBehindItsTrace()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var content = TestMail.New();

        var reply = await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"));

        var trace = Assert.Single(Reply250().Matches(reply)).Groups[1].Value;
        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
        Assert.EndsWith(content, message, StringComparison.Ordinal);
        var fields = Unfold(message[..^content.Length]);
        Assert.Equal(
            [$"Return-Path: <{SmtpClient.Sender}>", $"Delivered-To: {tenant.Address("bob")}"], fields[..2]);
        Assert.Matches(
            $"^Received: from client\\.example\\.org \\(\\[127\\.0\\.0\\.1\\]\\) by {Regex.Escape(GatewayCluster.HostName)} with ESMTP id {trace} " +
            $"for <{Regex.Escape(tenant.Address("bob"))}>; \\w{{3}}, \\d\\d \\w{{3}} \\d{{4}} \\d\\d:\\d\\d:\\d\\d \\+0000$",
            Assert.Single(fields[2..]));
    }

    [Theory]
    [InlineData("HELO client.example.org", "", "SMTP")]
    [InlineData("EHLO client.example.org", "", "ESMTP")]
    [InlineData("EHLO client.example.org", " SMTPUTF8", "UTF8SMTP")]
    public async Task ReceivedNamesTheProtocolThatWasSpoken(string hello, string parameters, string protocol)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using (var client = await SmtpClient.OpenAsync(cluster, hello))
        {
            Assert.StartsWith("250", await client.MailAsync(parameters), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.RcptAsync(tenant.Address("bob")), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
        }

        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.Contains($" with {protocol} id ", Unfold(message)[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task RecipientsDoNotLearnOfEachOther()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");

        await SmtpClient.SendAsync(cluster, TestMail.New(), tenant.Address("bob"), tenant.Address("carol"));

        foreach (var (reader, other) in new[] { ("bob", "carol"), ("carol", "bob") })
        {
            var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address(reader)));
            Assert.Contains($"Delivered-To: {tenant.Address(reader)}\r\n", message, StringComparison.Ordinal);
            Assert.DoesNotContain(other, message, StringComparison.Ordinal);
            Assert.DoesNotContain(" for <", Unfold(message)[2], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task NullReversePathIsWrittenAsSuch()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        await using (var client = await SmtpClient.OpenAsync(cluster))
        {
            Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<>"), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.RcptAsync(tenant.Address("bob")), StringComparison.Ordinal);
            Assert.StartsWith("250", await client.DataAsync(TestMail.New()), StringComparison.Ordinal);
        }

        var message = Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob")));
        Assert.StartsWith("Return-Path: <>\r\n", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ContentWithoutHeaderStaysTheBodyOfTheMessage()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        const string Content = "this is text, not a header\r\nX-Injected: by the text\r\n";

        await SmtpClient.SendAsync(cluster, Content, tenant.Address("bob"));
        var large = Content + string.Concat(Enumerable.Repeat("a line that has no colon\r\n", 2_000));
        await SmtpClient.SendAsync(cluster, large, tenant.Address("bob"));

        var messages = await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"));
        Assert.Equal(2, messages.Count);
        Assert.EndsWith("+0000\r\n\r\n" + Content, messages[0], StringComparison.Ordinal);
        Assert.EndsWith("+0000\r\n\r\n" + large, messages[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task LargeMessageToTwoMailboxesOfATenantIsOneBlobWithAHolderRowForEach()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var bob = await tenant.AddMailboxAsync("bob");
        var carol = await tenant.AddMailboxAsync("carol");
        var content = TestMail.OfSize(40_000);

        var reply = await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"), tenant.Address("carol"));

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        var blob = Assert.Single(await cluster.BlobsAsync(tenant.Name));
        Assert.Equal(content.Length, blob.Length);
        Assert.Equal(
            new[] { BodyHolder.Of(bob).Key, BodyHolder.Of(carol).Key }.Order(StringComparer.Ordinal), await cluster.HoldersAsync(blob.Name));
        foreach (var reader in new[] { "bob", "carol" })
        {
            Assert.EndsWith(
                content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address(reader))), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task LargeMessageToTwoTenantsIsOneBlobEach()
    {
        await using var ours = await TestTenant.CreateAsync(cluster, "bob");
        await using var theirs = await TestTenant.CreateAsync(cluster, "bob");
        var content = TestMail.OfSize(40_000);

        await SmtpClient.SendAsync(cluster, content, ours.Address("bob"), theirs.Address("bob"));

        foreach (var tenant in new[] { ours, theirs })
        {
            var blob = Assert.Single(await cluster.BlobsAsync(tenant.Name));
            Assert.Empty(await cluster.HoldersAsync(blob.Name));
            Assert.EndsWith(
                content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(32 * 1024, 0)]
    [InlineData((32 * 1024) + 1, 1)]
    public async Task InlineLimitIsExact(int bytes, int blobs)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob");
        var start = TestMail.OfSize(bytes - 200);
        var content = start[..^2] + new string('y', bytes - start.Length) + "\r\n";
        Assert.Equal(bytes, content.Length);

        await SmtpClient.SendAsync(cluster, content, tenant.Address("bob"));

        Assert.Equal(blobs, (await cluster.BlobsAsync(tenant.Name)).Count);
        Assert.EndsWith(content, Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MebibyteToAHundredMailboxesOfATenantIsStoredOnce()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster);
        var names = Enumerable.Range(0, 100).Select(i => $"user{i}").ToArray();
        foreach (var name in names)
        {
            await tenant.AddMailboxAsync(name, password: null);
        }

        var content = TestMail.OfSize(1024 * 1024);

        var reply = await SmtpClient.SendAsync(cluster, content, [.. names.Select(tenant.Address)]);

        Assert.StartsWith("250 2.0.0 ", reply, StringComparison.Ordinal);
        var blob = Assert.Single(await cluster.BlobsAsync(tenant.Name));
        Assert.Equal(content.Length, blob.Length);
        Assert.Equal(100, (await cluster.HoldersAsync(blob.Name)).Count);
        foreach (var name in names)
        {
            Assert.Equal(1, await tenant.CountAsync(name));
        }
    }

    [Fact]
    public async Task LoopingMessageIsRefusedAndLeavesNothing()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "bob", "carol");
        var hops = string.Concat(Enumerable.Repeat("Received: from a by b; Mon, 01 Jan 2024 00:00:00 +0000\r\n", 51));

        foreach (var content in new[] { TestMail.New(), TestMail.OfSize(40_000) })
        {
            var reply = await SmtpClient.SendAsync(cluster, hops + content, tenant.Address("bob"), tenant.Address("carol"));

            Assert.StartsWith("554 5.4.6 ", reply, StringComparison.Ordinal);
        }

        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
        Assert.Equal(0, await tenant.CountAsync("bob"));
    }

    private static string[] Unfold(string header) =>
        Regex.Replace(header, "\r\n[ \t]+", " ").Split("\r\n", StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"^250 2\.0\.0 (\w+)$")]
    private static partial Regex Reply250();
}
