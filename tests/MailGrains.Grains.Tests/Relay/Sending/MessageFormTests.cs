using System.Net;
using MailGrains.Contracts.Delivery;
using MailGrains.Contracts.Queues;
using MailGrains.Contracts.Relay;
using MailGrains.Storage.Blobs;
using MailGrains.Testing.Smtp;

namespace MailGrains.Grains.Tests.Relay.Sending;

/// <summary>Servers that take less than a message needs.</summary>
public sealed class MessageFormTests
{
    private const string Plain = "Subject: hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";

    [Fact]
    public async Task EightBitBodyIsEncodedForAServerWithoutIt()
    {
        var (report, server) = await SendAsync("PIPELINING SIZE", Plain + "with many grüße\r\n", m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        var mail = Assert.Single(server.Taken);
        Assert.StartsWith("Received: from here\r\nSubject: hello\r\n", mail.Content, StringComparison.Ordinal);
        Assert.EndsWith("with many gr=C3=BC=C3=9Fe\r\n", mail.Content, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Commands, command => command.Contains("BODY=", StringComparison.Ordinal));
        Assert.Contains(server.Commands, command => command.EndsWith($" SIZE={mail.Content.Length}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EightBitBodyGoesAsItIsWhereItMay()
    {
        var (_, server) = await SendAsync("8BITMIME", Plain + "grüße\r\n", m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Contains(server.Commands, command => command.EndsWith(" BODY=8BITMIME", StringComparison.Ordinal));
        Assert.EndsWith("gr\u00c3\u00bc\u00c3\u009fe\r\n", Assert.Single(server.Taken).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatOnlySaysThatItNeedsItGoesAsItIs()
    {
        var (report, server) = await SendAsync("", Plain + "plain\r\n", m => m with { Needs = MessageNeeds.EightBitMime | MessageNeeds.BinaryMime });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        Assert.EndsWith("8bit\r\n\r\nplain\r\n", Assert.Single(server.Taken).Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignedMessageThatCanNotBeConvertedFails()
    {
        const string Signed = "MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b; protocol=\"a/b\"; micalg=x\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\ngrüße\r\n--b\r\n\r\nx\r\n--b--\r\n";

        var (report, server) = await SendAsync("", Signed, m => m with { Needs = MessageNeeds.EightBitMime });

        Assert.Equal((OutcomeKind.Failed, "5.6.3"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task InternationalizedDomainsGoAsALabelsToAServerWithoutSmtpUtf8()
    {
        var (report, server) = await SendAsync(
            "8BITMIME", Plain + "plain\r\n",
            m => m with { Needs = MessageNeeds.SmtpUtf8, ReversePath = "ann@bücher.test", Recipients = [m.Recipients[0] with { ForwardPath = "bob@straße.test" }] });

        Assert.Equal(OutcomeKind.RelayedWithoutDsn, report.Outcomes[0].Kind);
        var mail = Assert.Single(server.Taken);
        Assert.Equal(("ann@xn--bcher-kva.test", "bob@xn--strae-oqa.test"), (mail.From, mail.To[0]));
    }

    [Theory]
    [InlineData("Subject: grüße\r\n\r\nhi\r\n", "bob@there.test")]
    [InlineData("Subject: hi\r\n\r\nhi\r\n", "böb@there.test")]
    public async Task InternationalizedHeaderOrLocalpartFailsThere(string content, string recipient)
    {
        var (report, server) = await SendAsync(
            "8BITMIME", content, m => m with { Needs = MessageNeeds.SmtpUtf8 | MessageNeeds.EightBitMime, Recipients = [m.Recipients[0] with { ForwardPath = recipient }] });

        Assert.Equal((OutcomeKind.Failed, 550, "5.6.7"), (report.Outcomes[0].Kind, report.Outcomes[0].Code, report.Outcomes[0].Enhanced));
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task InternationalizedMessageGoesToAServerThatTakesIt()
    {
        var (_, server) = await SendAsync(
            "8BITMIME SMTPUTF8", "Subject: grüße\r\n\r\nhi\r\n", m => m with { Needs = MessageNeeds.SmtpUtf8 | MessageNeeds.EightBitMime });

        Assert.Contains(server.Commands, command => command.Contains(" SMTPUTF8", StringComparison.Ordinal));
        Assert.Single(server.Taken);
    }

    [Fact]
    public async Task HostThatLacksSomethingBouncesNothingWhileABetterOneIsOutOfReach()
    {
        var first = new MailServer();
        await using var second = new MailServer(IPAddress.Parse("127.0.0.2"), first.Port) { Extensions = "8BITMIME" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", first, second);
        await first.DisposeAsync();
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, Internationalized(queue));
        Assert.Equal((OutcomeKind.Deferred, "4.6.7", "mx1.there.test"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced, report.Outcomes[0].Host));

        // It is left for the last for a while, and not asked behind one that lacks something.
        report = await harness.SendAsync(queue, Internationalized(queue));
        Assert.Equal((OutcomeKind.Deferred, "4.6.7"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
    }

    [Fact]
    public async Task HostThatLacksSomethingBouncesNothingWhileAnotherCanNotBeLookedUp()
    {
        await using var server = new MailServer(IPAddress.Loopback) { Extensions = "8BITMIME" };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        harness.Dns.Add("there.test", MailGrains.Testing.Dns.DnsType.Mx, "20 away.test");
        harness.Dns.Fail("away.test");
        var queue = harness.Queue("there.test");

        var report = await harness.SendAsync(queue, Internationalized(queue));

        Assert.Equal((OutcomeKind.Deferred, "4.6.7"), (report.Outcomes[0].Kind, report.Outcomes[0].Enhanced));
    }

    [Fact]
    public async Task AllHostsAreAskedBeforeAMessageFailsForWhatTheyLack()
    {
        await using var first = new MailServer { Extensions = "8BITMIME" };
        await using var harness = new SenderHarness();
        harness.Limits = harness.Limits with { Default = new() { Connections = 1, MessagesPerConnection = 1 } };
        var others = Enumerable.Range(2, 4).Select(i => new MailServer(IPAddress.Parse($"127.0.0.{i}"), first.Port) { Extensions = "8BITMIME" }).ToArray();
        harness.AddDomain("there.test", [first, .. others]);
        var queue = harness.Queue("there.test");

        var report = queue.ReportOfAsync(Take(harness, queue));
        await harness.RunTimeAsync(() => report.IsCompleted, TimeSpan.FromSeconds(1));

        Assert.Equal((OutcomeKind.Failed, "5.6.7"), ((await report).Outcomes[0].Kind, (await report).Outcomes[0].Enhanced));
        Assert.All(others, server => Assert.InRange(server.Connections, 1, 2));
        foreach (var server in others)
        {
            await server.DisposeAsync();
        }

        static RelayMessage Take(SenderHarness harness, FakeQueue queue)
        {
            var message = Internationalized(queue);
            Assert.Equal(1, harness.Take(queue, message));
            return message;
        }
    }

    [Fact]
    public async Task ConversionEndsWithTheLeaseOfItsConnection()
    {
        await using var server = new MailServer { Extensions = "" };
        await using var harness = new SenderHarness();
        var blobs = new SlowBlobs();
        harness.Blobs = blobs;
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        var message = queue.Message(
            m => m with { Needs = MessageNeeds.EightBitMime, Body = new MessageBody(100_000, null, new BodyBlob(0, "tenant/large", Shared: false)) });
        Assert.Equal(1, harness.Take(queue, message));
        var report = queue.ReportOfAsync(message);
        await SenderHarness.UntilAsync(() => blobs.Reads > 0);

        harness.AreLimitsDown = true;
        await harness.RunTimeAsync(() => report.IsCompleted, TimeSpan.FromSeconds(1));

        Assert.Equal(RelayStatus.NotTried, (await report).Status);
        harness.AreLimitsDown = false;
    }

    private static RelayMessage Internationalized(FakeQueue queue) =>
        queue.Message("Subject: grüße\r\n\r\nhi\r\n", m => m with { Needs = MessageNeeds.SmtpUtf8 | MessageNeeds.EightBitMime });

    /// <summary>Never comes to an end.</summary>
    private sealed class SlowBlobs : IBlobStore
    {
        public int Reads { get; private set; }

        public async Task<Stream?> ReadAsync(string name, long offset, long? length, CancellationToken cancellationToken)
        {
            Reads++;
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return null;
        }

        public Task<long> WriteAsync(string name, Stream content, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) => throw new NotSupportedException();

        public IAsyncEnumerable<BlobItem> ListAsync(string prefix, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    private static async Task<(RelayReport Report, MailServer Server)> SendAsync(string extensions, string content, Func<QueuedMessage, QueuedMessage> change)
    {
        await using var server = new MailServer { Extensions = extensions };
        await using var harness = new SenderHarness();
        harness.AddDomain("there.test", server);
        var queue = harness.Queue("there.test");
        return (await harness.SendAsync(queue, queue.Message(content, change)), server);
    }
}
