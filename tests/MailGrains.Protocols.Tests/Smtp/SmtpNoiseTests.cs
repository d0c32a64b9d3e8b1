using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Smtp;

public sealed class SmtpNoiseTests
{
    private static readonly string[] Words =
    [
        "EHLO c.example\r\n", "MAIL FROM:<a@b.test>\r\n", "MAIL FROM:<\r\n", "RCPT TO:<alice@example.test>\r\n", "RCPT TO:", "DATA\r\n", "RSET\r\n", "NOOP\r\n",
        "\r\n.\r\n", ".", "\r", "\n", "\0", "\r\n", "a", "..", "Subject: x\r\n", " SIZE=9", "VRFY x\r\n", "ÿþ", "BDAT 5 LAST\r\n", "xxxxxxxxxxxxxxxxxxxxxxxx",
    ];

    private static readonly Gen<string> Noise = Gen.OneOf(
        Gen.OneOf(Words).Array[0, 30].Select(string.Concat),
        Gen.Byte.Array[0, 200].Select(Encoding.Latin1.GetString));

    [Fact]
    public async Task NoiseIsAnsweredLineByLineAndNothingThrows() =>
        await Noise.Select(Gen.Int[0, 40]).SampleAsync(async (noise, pieceBytes) =>
        {
            var fixture = new SmtpFixture { Options = new() { HostName = "mx.example.test", MaxCommandLineBytes = 64, MaxMessageBytes = 100, MaxTextLineBytes = 40 } };
            var client = await fixture.GreetAsync();
            await client.SendAsync(noise, pieceBytes);
            await client.HangUpAsync();
            Assert.True(await client.Session is SessionEnd.ConnectionLost or SessionEnd.TooManyErrors);
            Assert.True(fixture.Backend!.Failures.IsEmpty);
            foreach (var line in await client.ReadToEndAsync())
            {
                Assert.Matches("^[2-5][0-9][0-9][ -]", line);
            }
        }, iter: 3_000, threads: 1);

    [Theory]
    [InlineData(1_000)]
    [InlineData(64_000)]
    public async Task BinaryNoiseEndsTheSession(int octets)
    {
        var noise = new byte[octets];
        new Random(7).NextBytes(noise);
        var client = await new SmtpFixture().ConnectAsync();
        for (var i = 0; i < 1_200 && !client.Session.IsCompleted; i++)
        {
            await client.SendAsync(Encoding.Latin1.GetString(noise));
        }

        Assert.Equal(SessionEnd.TooManyErrors, await client.Session);
        Assert.NotEmpty(await client.ReadToEndAsync());
    }

    [Fact]
    public async Task EveryPrefixOfASessionEndsInAnOrderlyWay()
    {
        const string session = "EHLO c.example\r\nMAIL FROM:<\"a b\"@b.test> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n";
        var complete = session.IndexOf("QUIT", StringComparison.Ordinal);
        for (var length = 0; length < session.Length; length++)
        {
            var fixture = new SmtpFixture();
            var client = await fixture.ConnectAsync();
            await client.SendAsync(session[..length]);
            await client.HangUpAsync();
            Assert.Equal(SessionEnd.ConnectionLost, await client.Session);
            Assert.Equal(length >= complete ? 1 : 0, fixture.MessagesOf(SmtpFixture.Alice).Count);
            Assert.True(fixture.Backend!.Failures.IsEmpty);
        }
    }
}
