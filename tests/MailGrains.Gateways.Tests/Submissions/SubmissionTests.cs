using MailGrains.Gateways.Submissions;
using MailGrains.Gateways.Tests.Wire;

namespace MailGrains.Gateways.Tests.Submissions;

/// <summary>What a login may submit, and what becomes of it on its way to the mailbox.</summary>
[Collection(SharedGateways.Name)]
public sealed class SubmissionTests(GatewayCluster cluster)
{
    private const string Date = "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n";

    [Fact]
    public async Task SenderOfTheEnvelopeMustBeTheLogin()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        await tenant.PutAliasAsync("sales", "alice");
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice");

        Assert.StartsWith("250", await alice.MailAsync(tenant.Address("alice")), StringComparison.Ordinal);
        Assert.StartsWith("250", await alice.MailAsync(tenant.Address("Sales+x")), StringComparison.Ordinal);
        Assert.StartsWith("250", await alice.MailAsync(""), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await alice.MailAsync(tenant.Address("bob")), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await alice.MailAsync("alice@[127.0.0.1]"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await alice.MailAsync("alice@elsewhere.example"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("From: {0}\r\n", "250 2.0.0 ")]
    [InlineData("from:\r\n\tAlice <{0}>\r\n", "250 2.0.0 ")]
    [InlineData("From: {0}, {1}\r\nSender: {1}\r\n", "250 2.0.0 ")]
    [InlineData("From: {2}\r\n", "554 5.7.1 From: ")]
    [InlineData("From: {0}, {2}\r\nSender: {0}\r\n", "554 5.7.1 From: ")]
    [InlineData("From: {0}\r\nSender: {2}\r\n", "554 5.7.1 Sender: ")]
    [InlineData("From: {0}\r\nResent-From: {2}\r\n", "554 5.7.1 Resent-From: ")]
    [InlineData("From: {0}\r\nFrom: {2}\r\n", "554 5.6.0 ")]
    [InlineData("From : {2}\r\nFrom: {0}\r\n", "554 5.6.0 ")]
    [InlineData("From: {0} <{2}>\r\n", "554 5.6.0 ")]
    [InlineData("From: \"x\\\" <{2}> \\\"\" <{0}>\r\n", "554 5.6.0 ")]
    [InlineData("Subject: x\r\n\r\nFrom: {0}\r\n", "554 5.6.0 ")]
    [InlineData("Subject: x\r\n", "554 5.6.0 ")]
    [InlineData("From: {0}\r\nSubject: Grüße\r\n", "554 5.6.9 ")]
    public async Task EverybodyInTheHeaderMustBeTheLogin(string header, string reply)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        await tenant.PutAliasAsync("sales", "alice");
        header = string.Format(null, header, tenant.Address("alice"), tenant.Address("sales"), tenant.Address("bob"));
        foreach (var sender in new[] { tenant.Address("alice"), "" })
        {
            foreach (var pieceBytes in new[] { 0, 1, 7 })
            {
                var alice = await Submitter.LogInAsync(cluster, tenant, "alice", pieceBytes);
                Assert.StartsWith(reply, await alice.SendAsync(sender, $"{header}\r\nhi\r\n", tenant, "bob"), StringComparison.Ordinal);
            }
        }

        Assert.Equal(reply[0] == '2' ? 6 : 0, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task GrantedAddressesAreTheLoginsTooButNeverThoseOfAnotherTenant()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob", "carol");
        await using var other = await TestTenant.CreateAsync(cluster, "bob");
        var branch = $"branch.{tenant.Domain}";
        await tenant.PutDomainAsync(branch);
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice");
        alice.Rights = new([tenant.Address("Bob"), $"*@{branch.ToUpperInvariant()}", other.Address("bob"), $"*@{other.Domain}", "*@elsewhere.example", "*", "*@"], null);

        foreach (var (address, reply) in new[]
        {
            (tenant.Address("bob"), "250"), ($"anybody@{branch}", "250"), (tenant.Address("bob+x"), "550 5.7.1 "), (tenant.Address("carol"), "550 5.7.1 "),
            ($"a@sub.{branch}", "550 5.7.1 "), (other.Address("bob"), "550 5.7.1 "), (other.Address("carol"), "550 5.7.1 "), ("a@elsewhere.example", "550 5.7.1 "),
        })
        {
            Assert.StartsWith(reply, await alice.MailAsync(address), StringComparison.Ordinal);
        }

        var content = $"From: Bob <{tenant.Address("BOB")}>\r\nSender: x@{branch}\r\n\r\nhi\r\n";
        Assert.StartsWith("250 2.0.0 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "carol"), StringComparison.Ordinal);
        alice.Rights = null;
        Assert.StartsWith("525 5.7.13 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "carol"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.7.1 ", await alice.MailAsync(tenant.Address("bob")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40_000)]
    public async Task HeaderIsRepairedAndTheBodyIsNotTouched(int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var body = TestMail.Body + "Bcc: not a field\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 76) + "\r\n", bytes / 78));
        for (var pieceBytes = 0; pieceBytes < 60; pieceBytes += 19)
        {
            var alice = await Submitter.LogInAsync(cluster, tenant, "alice", pieceBytes);
            var content = $"Bcc: {tenant.Address("carol")},\r\n eve@elsewhere.example\r\nFrom: {tenant.Address("alice")}\r\nSubject: {pieceBytes}\r\n\r\n{body}";
            Assert.StartsWith("250 2.0.0 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "bob"), StringComparison.Ordinal);
        }

        var messages = await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"));
        Assert.Equal(4, messages.Count);
        Assert.All(messages, message =>
        {
            Assert.Matches("\r\nFrom: [^\r]+\r\nSubject: [0-9]+\r\nDate: [^\r]+ \\+0000\r\nMessage-ID: <[0-9a-f]{32}@mx.hosting.test>\r\n\r\n", message);
            Assert.EndsWith("\r\n\r\n" + body, message, StringComparison.Ordinal);
            Assert.DoesNotContain("eve@", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task MessageThatEndsWithinItsHeaderIsRepairedToo()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice");
        Assert.StartsWith("250 ", await alice.SendAsync(tenant.Address("alice"), $"From: {tenant.Address("alice")}", tenant, "bob"), StringComparison.Ordinal);
        Assert.StartsWith("554 5.6.0 ", await alice.SendAsync(tenant.Address("alice"), "hello", tenant, "bob"), StringComparison.Ordinal);
        Assert.StartsWith("554 5.6.0 ", await alice.SendAsync(tenant.Address("alice"), "", tenant, "bob"), StringComparison.Ordinal);
        Assert.Contains("\r\nMessage-ID: <", Assert.Single(await Pop3Client.ReadAllAsync(cluster, tenant.Address("bob"))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "", 100)]
    [InlineData("", Date, 40_000)]
    [InlineData("Message-ID: <1@client.test>\r\n", Date, 100)]
    [InlineData("Message-ID: <1@client.test>\r\n", "", 100)]
    [InlineData("Message-ID: <1@client.test>\r\n", "", 40_000)]
    public async Task RepeatIsRecognisedByWhatWasReceivedWhereThatHadAnIdOfItsOwn(string messageId, string date, int bytes)
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var content = $"From: {tenant.Address("alice")}\r\n{date}{messageId}\r\n{new string('x', 60)}\r\n" + string.Concat(Enumerable.Repeat("y\r\n", bytes / 3));
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice", pieceBytes: 997);
        for (var i = 0; i < 2; i++)
        {
            Assert.StartsWith("250 2.0.0 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "bob"), StringComparison.Ordinal);

            // What is added must differ, else the repaired content would be recognised as well.
            alice.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(messageId.Length > 0 ? 1 : 2, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task OtherContentIsNoRepeatEvenWhereTheRepairedOneIsTheSame()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice");
        var rest = $"From: {tenant.Address("alice")}\r\n{Date}Message-ID: <1@client.test>\r\n\r\nhi\r\n";
        foreach (var bcc in new[] { "", "Bcc: a@b.example\r\n", "Bcc: c@d.example\r\n" })
        {
            Assert.StartsWith("250 2.0.0 ", await alice.SendAsync(tenant.Address("alice"), bcc + rest, tenant, "bob"), StringComparison.Ordinal);
        }

        Assert.Equal(3, await tenant.CountAsync("bob"));
    }

    [Fact]
    public async Task WithSmtpUtf8TheHeaderIsUnicode()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "jörg");
        var joerg = await Submitter.LogInAsync(cluster, tenant, "jörg", smtpUtf8: true);
        var content = $"From: Jörg <JÖRG@{tenant.Domain}>\r\nSubject: Grüße\r\n\r\nhi\r\n";
        Assert.StartsWith("250 2.0.0 ", await joerg.SendAsync(tenant.Address("jörg"), content, tenant, "alice"), StringComparison.Ordinal);
        Assert.Equal(1, await tenant.CountAsync("alice"));
    }

    [Fact]
    public async Task HeaderWithoutAnEndIsBounded()
    {
        await using var tenant = await TestTenant.CreateAsync(cluster, "alice", "bob");
        var alice = await Submitter.LogInAsync(cluster, tenant, "alice", pieceBytes: 64 * 1024);
        var field = $"X-Long: {new string('x', 900)}\r\n";
        var content = string.Concat(Enumerable.Repeat(field, (SubmittedMessage.MaxHeaderBytes / field.Length) + 100));
        Assert.StartsWith("552 5.3.4 ", await alice.SendAsync(tenant.Address("alice"), content, tenant, "bob"), StringComparison.Ordinal);
        Assert.Empty(await cluster.BlobsAsync(tenant.Name));
    }
}
