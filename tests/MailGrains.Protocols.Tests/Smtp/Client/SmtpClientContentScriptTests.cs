using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>How content goes over the wire.</summary>
public sealed class SmtpClientContentScriptTests : SmtpClientDialogue
{
    [Fact]
    public async Task ChunksAreSentAheadAndTheLastToo()
    {
        await PlayAsync("""
            S: 220 mx
            C: EHLO client.example
            S: 250-mx
            S: 250-PIPELINING
            S: 250 CHUNKING
            C: MAIL FROM:<sender@elsewhere.test>
            C: RCPT TO:<a@example.test>
            S: 250 ok
            S: 250 ok
            C: BDAT 4
            C: 12
            C: BDAT 4
            C: 34
            C: BDAT 2 LAST
            C: 
            S: 250 4 octets
            S: 250 4 octets
            S: 250 kept
            """, connection => ExpectAsync(connection, "250 kept", new OutgoingContent("12\r\n34\r\n\r\n"u8.ToArray())), chunkBytes: 4);
    }

    [Fact]
    public async Task ChunkThatWasRefusedIsBelievedWhateverTheLastIsAnswered()
    {
        await PlayAsync("""
            S: 220 mx
            C: EHLO client.example
            S: 250-mx
            S: 250-PIPELINING
            S: 250 CHUNKING
            C: MAIL FROM:<sender@elsewhere.test>
            C: RCPT TO:<a@example.test>
            S: 250 ok
            S: 250 ok
            C: BDAT 4
            C: 12
            C: BDAT 4 LAST
            C: 34
            S: 554 5.6.0 no
            S: 250 kept
            C: RSET
            C: MAIL*
            C: RCPT*
            """, async connection =>
        {
            await ExpectAsync(connection, "554 5.6.0 no", new OutgoingContent("12\r\n34\r\n"u8.ToArray()));
            _ = SendAsync(connection, "b@example.test");
        }, chunkBytes: 4);
    }

    [Fact]
    public async Task DotsAreStuffedAndALineWithoutEndGetsOne()
    {
        await PlayAsync(Plain + Mail + """
            S: 250 ok
            C: RCPT TO:<a@example.test>
            S: 250 ok
            C: DATA
            S: 354 go
            C: ..
            C: ...x
            C: .. y
            C: z.
            C: .
            S: 250 kept
            """, connection => ExpectAsync(connection, "250 kept", new OutgoingContent(".\r\n..x\r\n. y\r\nz."u8.ToArray())));
    }
}
