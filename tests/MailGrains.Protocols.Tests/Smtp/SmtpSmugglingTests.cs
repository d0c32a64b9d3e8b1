using MailGrains.Protocols.Tests.Wire;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>
/// Content that holds something like an end of data, followed by a second message: one message or a refusal, never two, however the octets are cut
/// into packets and whatever is pipelined after them.
/// </summary>
public sealed class SmtpSmugglingTests
{
    private const string Smuggled = "MAIL FROM:<evil@elsewhere.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n.\r\n";

    private static readonly string[] Before = ["\r", "\n", "\r\n", "\0"];
    private static readonly string[] After = ["\r", "\n", "\r\n"];

    public static TheoryData<string, string> AllEnds()
    {
        var ends = Ends();
        ends.Add("\r\n", "\r\n");
        return ends;
    }

    public static TheoryData<string, string> Ends()
    {
        var ends = new TheoryData<string, string>();
        foreach (var before in Before)
        {
            foreach (var after in After)
            {
                if (before != "\r\n" || after != "\r\n")
                {
                    ends.Add(before, after);
                }
            }
        }

        return ends;
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task FalseEndNeverMakesTwoMessages(string before, string after)
    {
        foreach (var lead in new[] { "", "Subject: x\r\n\r\nbody" })
        {
            var content = $"{lead}{before}.{after}{Smuggled}QUIT\r\n";
            await CheckAsync([content]);
            for (var at = 1; at < content.Length; at++)
            {
                await CheckAsync([content[..at], content[at..]]);
            }

            await CheckAsync([.. content.Select(octet => octet.ToString())]);
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task FalseEndInAWholePipelinedSessionNeverMakesTwoMessages(string before, string after)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.ConnectAsync();
        await client.SendAsync("EHLO client.example\r\nMAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
            + $"Subject: x\r\n\r\nbody{before}.{after}{Smuggled}QUIT\r\n");
        Assert.Equal(SessionEnd.Quit, await client.Session);
        AssertNothingSmuggled(fixture);
    }

    /// <summary>In a chunk nothing ends the content but its size: true ends of data too are content, or a fault.</summary>
    [Theory]
    [MemberData(nameof(AllEnds))]
    public async Task EndOfDataInAChunkNeverMakesTwoMessages(string before, string after)
    {
        foreach (var body in new[] { "7BIT", "BINARYMIME" })
        {
            var content = $"Subject: x\r\n\r\nbody{before}.{after}{Smuggled}QUIT\r\n";
            var stream = $"MAIL FROM:<a@elsewhere.test> BODY={body}\r\nRCPT TO:<alice@example.test>\r\nBDAT {content.Length} LAST\r\n{content}QUIT\r\n";
            await CheckChunksAsync([stream]);
            for (var at = 1; at < stream.Length; at++)
            {
                await CheckChunksAsync([stream[..at], stream[at..]]);
            }
        }
    }

    /// <summary>The same content cut into two chunks at every octet.</summary>
    [Theory]
    [MemberData(nameof(AllEnds))]
    public async Task EndOfDataAcrossChunksNeverMakesTwoMessages(string before, string after)
    {
        var content = $"Subject: x\r\n\r\nbody{before}.{after}{Smuggled}";
        for (var at = 0; at <= content.Length; at++)
        {
            await CheckChunksAsync(
            [
                $"MAIL FROM:<a@elsewhere.test>\r\nRCPT TO:<alice@example.test>\r\nBDAT {at}\r\n{content[..at]}BDAT {content.Length - at} LAST\r\n{content[at..]}QUIT\r\n",
            ]);
        }
    }

    /// <summary>Where bare line ends are mended, a mended one ends nothing.</summary>
    [Theory]
    [MemberData(nameof(Ends))]
    public async Task FalseEndThatIsMendedNeverMakesTwoMessages(string before, string after)
    {
        var content = $"Subject: x\r\n\r\nbody{before}.{after}{Smuggled}QUIT\r\n";
        for (var at = 1; at < content.Length; at++)
        {
            var fixture = new SmtpFixture
            {
                Options = new() { HostName = "mx.example.test", IsSubmission = true },
                TakesLogins = true,
            };
            var client = await fixture.GreetAsync();
            Assert.StartsWith("235 ", await client.AskAsync(SmtpFixture.AlicesLogin), StringComparison.Ordinal);
            await client.SendAsync("MAIL FROM:<alice@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
            await client.SendAsync(content[..at]);
            await client.SendAsync(content[at..]);
            Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
            AssertNothingSmuggled(fixture);
            foreach (var message in fixture.MessagesOf(SmtpFixture.Alice))
            {
                Assert.DoesNotMatch("\r(?!\n)|(?<!\r)\n", message);
            }
        }
    }

    [Fact]
    public async Task TrueEndIsFoundHoweverItIsSplit()
    {
        var content = $"Subject: x\r\n\r\nbody\r\n.\r\n{Smuggled}QUIT\r\n";
        for (var at = 1; at < content.Length; at++)
        {
            var fixture = new SmtpFixture();
            var client = await fixture.BeginDataAsync();
            await client.SendAsync(content[..at]);
            await client.SendAsync(content[at..]);
            Assert.Equal(SessionEnd.Quit, await client.Session);
            Assert.Equal(["Subject: x\r\n\r\nbody\r\n"], fixture.MessagesOf(SmtpFixture.Alice));
            Assert.Equal(["Subject: smuggled\r\n\r\nevil\r\n"], fixture.MessagesOf(SmtpFixture.Bob));
        }
    }

    private static async Task CheckAsync(string[] pieces)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.BeginDataAsync();
        foreach (var piece in pieces)
        {
            await client.SendAsync(piece);
        }

        Assert.Equal(SessionEnd.Quit, await client.Session);
        AssertNothingSmuggled(fixture);
    }

    private static async Task CheckChunksAsync(string[] pieces)
    {
        var fixture = new SmtpFixture();
        var client = await fixture.GreetAsync();
        foreach (var piece in pieces)
        {
            await client.SendAsync(piece);
        }

        Assert.Equal(SessionEnd.Quit, await client.Session.WaitAsync(WireClient.Patience, TestContext.Current.CancellationToken));
        AssertNothingSmuggled(fixture);
    }

    private static void AssertNothingSmuggled(SmtpFixture fixture)
    {
        Assert.Empty(fixture.MessagesOf(SmtpFixture.Bob));
        Assert.True(fixture.MessagesOf(SmtpFixture.Alice).Count <= 1);
        Assert.True(fixture.Backend!.Failures.IsEmpty);
    }
}
