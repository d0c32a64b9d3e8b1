using System.Text;
using CsCheck;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>Content arrives as it is, or does not get to its end.</summary>
public sealed class SmtpClientContentTests
{
    private static readonly string[] Scraps = ["\r\n", "\r\n.", "\r\n.\r\n", ".", "..", "a", "ä", "\u00ff\u0080", "--", "QUIT\r\n"];
    private static readonly string[] BadScraps = ["\r", "\n", "\0", "\n.\n", "\r.\r", "\r\r\n", "\n.\r\n"];

    /// <summary>Where every octet that matters is common.</summary>
    private static readonly Gen<byte[]> AnyOctets = Gen.OneOf(
        Gen.OneOf([.. Scraps.Select(Gen.Const)]),
        Gen.Char[' ', '~'].Array[0, 30].Select(chars => new string(chars))).Array[0, 40].Select(parts => Encoding.Latin1.GetBytes(string.Concat(parts)));

    /// <summary>With bare CR, bare LF and NUL among them.</summary>
    private static readonly Gen<byte[]> BadOctets = Gen.Select(AnyOctets, Gen.OneOf([.. BadScraps.Select(Gen.Const)]), AnyOctets)
        .Select((before, bad, after) => (byte[])[.. before, .. Encoding.Latin1.GetBytes(bad), .. after]);

    private static readonly Gen<Sending> AnySending =
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[1, 40], Gen.Int[0, 60], Gen.Int[1, 50]).Select((pipelines, chunks, chunkBytes, headBytes, pieceBytes) =>
            new Sending(pipelines, chunks, chunkBytes, headBytes, pieceBytes));

    [Fact]
    public async Task EveryContentArrivesAsItIs()
    {
        await Gen.Select(AnyOctets, AnySending).SampleAsync(async (content, sending) =>
        {
            await using var fixture = Fixture(sending);
            var connection = await fixture.OpenAsync();
            for (var i = 0; i < 2; i++)
            {
                var result = (await connection.SendAsync(Mail(content, sending))).Recipients[0];
                Assert.True(result.IsAccepted, result.ToString());
            }

            // By DATA the last line gets an end.
            var text = Encoding.Latin1.GetString(content);
            var expected = sending.Chunks || text.Length == 0 || text.EndsWith("\r\n", StringComparison.Ordinal) ? text : text + "\r\n";
            Assert.Equal([expected, expected], fixture.MessagesOf(SmtpClientFixture.Alice));
            AssertNoBareLineEnd(fixture.SentText);
        }, iter: 2_000);
    }

    [Fact]
    public async Task ContentWithABareLineEndOrNulDoesNotGetToItsEnd()
    {
        await Gen.Select(BadOctets, AnySending).SampleAsync(async (content, sending) =>
        {
            if (IsGood(content))
            {
                return;
            }

            await using var fixture = Fixture(sending);
            var connection = await fixture.OpenAsync();
            var asked = 0;
            var result = await connection.SendAsync(Mail(content, sending) with { MayEnd = _ => new(++asked > 0) });
            Assert.Equal((SmtpVerdict.Permanent, SmtpStage.Data, SmtpCause.BadContent), (result.Recipients[0].Verdict, result.Recipients[0].Stage, result.Recipients[0].Cause));
            Assert.False(result.Uncertain);
            Assert.False(connection.IsUsable);
            Assert.Equal(0, asked);
            await connection.DisposeAsync();
            Assert.Empty(fixture.MessagesOf(SmtpClientFixture.Alice));
            AssertNoBareLineEnd(fixture.SentText);
        }, iter: 2_000);
    }

    [Fact]
    public async Task BinaryContentArrivesAsItIs()
    {
        await Gen.Select(Gen.Byte.Array[0, 100], AnySending).SampleAsync(async (body, sending) =>
        {
            await using var fixture = Fixture(sending with { Chunks = true });
            var connection = await fixture.OpenAsync();
            byte[] content = [.. "A: b\r\n\r\n"u8, .. body];
            var mail = Mail(content, sending) with { Parameters = new(null, BodyType.BinaryMime, SmtpUtf8: false) };
            Assert.True((await connection.SendAsync(mail)).Recipients[0].IsAccepted);
            Assert.Equal([Encoding.Latin1.GetString(content)], fixture.MessagesOf(SmtpClientFixture.Alice));
        }, iter: 500);
    }

    private static SmtpClientFixture Fixture(Sending sending) => new()
    {
        Options = new() { HelloName = "client.example", UsesPipelining = sending.Pipelines, UsesChunking = sending.Chunks, ChunkBytes = sending.ChunkBytes },
        Server = new() { HostName = "mx.example.test", MaxJunkCommands = 1_000 },
    };

    private static OutgoingMail Mail(byte[] content, Sending sending)
    {
        var head = Math.Min(sending.HeadBytes, content.Length);
        return SmtpClientFixture.Mail("") with
        {
            Content = new(content.AsMemory(0, head), content.Length - head, _ => new(new DribblingStream(content[head..], sending.PieceBytes))),
        };
    }

    private static void AssertNoBareLineEnd(string sent)
    {
        for (var i = 0; i < sent.Length; i++)
        {
            // The connection may have ended behind a CR.
            Assert.False(sent[i] == '\n' && (i == 0 || sent[i - 1] != '\r'), sent);
            Assert.False(sent[i] == '\r' && i + 1 < sent.Length && sent[i + 1] != '\n', sent);
        }
    }

    private static bool IsGood(byte[] content)
    {
        var rest = Encoding.Latin1.GetString(content).Replace("\r\n", "", StringComparison.Ordinal);
        return rest.AsSpan().IndexOfAny('\r', '\n', '\0') < 0;
    }

    private sealed record Sending(bool Pipelines, bool Chunks, int ChunkBytes, int HeadBytes, int PieceBytes);

    /// <summary>Yields a few octets at a time.</summary>
    private sealed class DribblingStream(byte[] content, int pieceBytes) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(pieceBytes, buffer.Length)], cancellationToken);
    }
}
