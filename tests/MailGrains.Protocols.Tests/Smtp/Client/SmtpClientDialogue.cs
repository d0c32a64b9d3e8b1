using MailGrains.Protocols.Smtp.Client;
using MailGrains.Protocols.Tests.Wire;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests.Smtp.Client;

/// <summary>What tests of dialogues are made of.</summary>
public abstract class SmtpClientDialogue
{
    protected const string Pipelining = """
        S: 220 mx
        C: EHLO client.example
        S: 250-mx
        S: 250 PIPELINING

        """;

    protected const string Plain = """
        S: 220 mx
        C: EHLO client.example
        S: 250 mx

        """;

    protected const string Mail = "C: MAIL FROM:<sender@elsewhere.test>\n";

    protected FakeTimeProvider Time { get; } = new();

    protected async Task PlayAsync(string script, Func<SmtpClientConnection, Task> run, int chunkBytes = 64 << 10)
    {
        var pipes = new PipePair();
        var server = new ScriptedServer(pipes.Server, script.TrimEnd('\n'));
        await using var connection = new SmtpClientConnection(
            pipes.Client, new() { HelloName = "client.example", ChunkBytes = chunkBytes }, Time, TestContext.Current.CancellationToken);
        Assert.True((await connection.OpenAsync()).IsAccepted);
        await run(connection).WaitAsync(WireClient.Patience);
        await server.Finished;
    }

    protected static async Task<SmtpSendResult> ExpectAsync(SmtpClientConnection connection, string texts, params string[] recipients)
    {
        var result = await SendAsync(connection, recipients);
        Assert.Equal(texts, string.Join('|', result.Recipients.Select(recipient => recipient.Text)));
        return result;
    }

    protected static async Task ExpectAsync(SmtpClientConnection connection, string text, OutgoingContent content)
    {
        var result = await connection.SendAsync(SmtpClientFixture.Mail("", "a@example.test") with { Content = content });
        Assert.Equal(text, Assert.Single(result.Recipients).Text);
        Assert.False(result.Uncertain);
    }

    protected static Task<SmtpSendResult> SendAsync(SmtpClientConnection connection, params string[] recipients)
    {
        var mail = SmtpClientFixture.Mail("x\r\n", recipients);
        return connection.SendAsync(recipients.Length == 0 ? mail with { Recipients = [] } : mail).AsTask();
    }

    protected static (SmtpVerdict, SmtpStage, SmtpCause) Of(SmtpSendResult result)
    {
        var first = Assert.Single(result.Recipients);
        return (first.Verdict, first.Stage, first.Cause);
    }
}
