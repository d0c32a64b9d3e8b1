using System.Text;
using CsCheck;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Tests.Pop3;

public sealed class Pop3NoiseTests
{
    private static readonly string[] Words =
    [
        "USER alice@example.test\r\n", "PASS secret word\r\n", "AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZWNyZXQgd29yZA==\r\n", "AUTH PLAIN\r\n", "AUTH LOGIN\r\n", "AUTH SCRAM-SHA-1 biwsbj11c2VyLHI9YWJj\r\n", "AUTH XOAUTH2 \r\n", "YWJj\r\n", "*\r\n", "STAT\r\n",
        "LIST\r\n", "LIST 1\r\n", "UIDL\r\n", "RETR 1\r\n", "TOP 1 ", "0\r\n", "DELE 2\r\n", "RSET\r\n", "CAPA\r\n", "UTF8\r\n", "LANG\r\n", " ", "\r\n", "\r", "\n", "\0", "ÿ",
        "99999999999999999999", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];

    private static readonly Gen<string> Noise = Gen.OneOf(
        Gen.OneOf(Words).Array[0, 30].Select(string.Concat),
        Gen.Byte.Array[0, 200].Select(Encoding.Latin1.GetString));

    [Fact]
    public async Task NoiseIsAnsweredAndNothingThrowsNorIsRemoved() =>
        await Noise.Select(Gen.Int[0, 40]).SampleAsync(async (noise, pieceBytes) =>
        {
            var fixture = new Pop3Fixture { Options = new() { HostName = "pop.example.test", MaxLineBytes = 64, FailedLoginDelay = TimeSpan.Zero } };
            fixture.Deliver("Subject: x\r\n\r\n.\r\n", "two");
            var client = await fixture.ConnectAsync();
            await client.SendAsync(noise, pieceBytes);
            await client.HangUpAsync();
            Assert.True(await client.Session is SessionEnd.ConnectionLost or SessionEnd.TooManyErrors);
            Assert.True(fixture.Backend!.Failures.IsEmpty);
            Assert.Equal(2, fixture.Store.MessagesOf(Pop3Fixture.Alice).Count);
            await client.ReadToEndAsync();
        }, iter: 3_000, threads: 1);

    [Fact]
    public async Task EveryPrefixOfASessionDeletesOnlyWhenItsQuitIsWhole()
    {
        const string session = "USER alice@example.test\r\nPASS secret word\r\nLIST\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nQUIT\r\n";
        for (var length = 0; length <= session.Length; length++)
        {
            var fixture = new Pop3Fixture();
            fixture.Deliver("Subject: x\r\n\r\n.\r\n", "two");
            var client = await fixture.ConnectAsync();
            await client.SendAsync(session[..length]);
            await client.HangUpAsync();
            Assert.Equal(length == session.Length ? SessionEnd.Quit : SessionEnd.ConnectionLost, await client.Session);
            Assert.Equal(length == session.Length ? 1 : 2, fixture.Store.MessagesOf(Pop3Fixture.Alice).Count);
        }
    }
}
