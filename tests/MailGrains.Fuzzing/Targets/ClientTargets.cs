using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Client;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Fuzzing.Targets;

/// <summary>
/// The SMTP client, with a server that says whatever the input says: greeting, EHLO, a login where one is offered, two mails, NOOP, QUIT. It ends, throws
/// nothing, sends no bare CR or LF, and believes only what was said in its place.
/// </summary>
internal static class ClientTargets
{
    private const int Recipients = 2;
    private const string Greeting = "220 mx.test\r\n";
    private const string Taken = "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n";

    private static readonly byte[] Content = Octets.Of("Subject: x\r\n\r\n.\r\n..a\r\nthe end\r\n");
    private static readonly byte[] Stuffed = Octets.Of("Subject: x\r\n\r\n..\r\n...a\r\nthe end\r\n.\r\n");
    private static readonly byte[] LastChunk = [.. Octets.Of($"BDAT {Content.Length} LAST\r\n"), .. Content];

    private static readonly SmtpClientOptions Options = new() { HelloName = "client.test", AllowsClearTextLogin = true };
    private static readonly PlainCredentials Login = new("", "alice", "secret");

    private static readonly (string Parameter, string Keyword)[] Parameters =
    [
        (" SIZE=", "SIZE"), (" RET=", "DSN"), (" ENVID=", "DSN"), (" NOTIFY=", "DSN"), (" ORCPT=", "DSN"), (" BY=", "DELIVERBY"), (" MT-PRIORITY=", "MT-PRIORITY"), (" AUTH=", "AUTH"),
        (" REQUIRETLS", "REQUIRETLS"),
    ];

    private static readonly string[] Words =
    [
        Greeting, "250 mx\r\n", "250-mx\r\n", "250-PIPELINING\r\n", "250-CHUNKING\r\n", "250-SIZE 100\r\n", "250-SIZE 9\r\n", "250-SMTPUTF8\r\n", "250-8BITMIME\r\n", "250-DSN\r\n",
        "250-AUTH PLAIN\r\n", "250-AUTH LOGIN\r\n", "250 AUTH=LOGIN\r\n", "250-LIMITS RCPTMAX=1 MAILMAX=1\r\n",
        "250-DELIVERBY\r\n", "250-DELIVERBY 60\r\n", "250-MT-PRIORITY MIXER\r\n", "250-REQUIRETLS\r\n", "250-FUTURERELEASE 9 2000-01-01T00:00:00Z\r\n", "250-ETRN\r\n", "250-BINARYMIME\r\n",
        "250-ENHANCEDSTATUSCODES\r\n", "250 HELP\r\n", "250 ok\r\n", "354 go\r\n", Taken, "250 kept\r\n",
        "235 welcome\r\n", "334 \r\n", "334 VXNlcm5hbWU6\r\n", "334 UGFzc3dvcmQ6\r\n", "504 5.5.4 no\r\n", "535 5.7.8 no\r\n", "421 4.3.2 bye\r\n", "450 4.2.1 later\r\n", "452 4.5.3 many\r\n",
        "550 5.1.1 no\r\n", "552 5.3.4 big\r\n", "503 5.5.1 what\r\n", "221 bye\r\n", "150 x\r\n", "999 x\r\n", "250", "-", " ", "\r\n", "\n", "\r", "\0", "\u00ff", new string('x', 90),
    ];

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        Target("client-open", ""),
        Target("client-steps", Greeting + "250 mx\r\n"),
        Target("client-pipelined", Greeting + "250-mx\r\n250-DSN\r\n250 PIPELINING\r\n"),
        Target("client-parameters", Greeting + "250-mx\r\n250-DSN\r\n250-DELIVERBY 60\r\n250 MT-PRIORITY\r\n"),
        Target("client-chunks", Greeting + "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
        Target("client-login", Greeting + "250-mx\r\n250 AUTH LOGIN\r\n"),
    ];

    private static FuzzTarget Target(string name, string before)
    {
        var prefix = Octets.Of(before);
        var opening = before.Length == 0 ? Greeting + "250-mx\r\n250 PIPELINING\r\n" : "";
        var login = name == "client-login" ? "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 welcome\r\n" : "";

        var taken = name == "client-chunks" ? "250 ok\r\n250 ok\r\n250 ok\r\n250 kept\r\n" : Taken + "250 kept\r\n";
        var seeds = Octets.All(
            "\0" + opening + login + taken + taken + "250 ok\r\n221 bye\r\n", "\0" + opening + login + taken + "421 bye\r\n",
            "\0" + opening + login + "250 ok\r\n550 no\r\n452 no\r\n503 no\r\n250 reset\r\n" + taken, "\u0009" + opening + login + "250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n250 kept\r\n250 ok\r\n",
            "\0" + opening + "550 no\r\n550 no\r\n550 no\r\n503 no\r\n", "\0" + opening + "250 ok\r\n550 no\r\n550 no\r\n354 go\r\n250 what\r\n", "\u0002502 no\r\n250 mx\r\n421 bye\r\n");
        return new FuzzTarget(name, seeds, Octets.All(Words), input => Run(prefix, input));
    }

    private static void Run(byte[] prefix, byte[] input)
    {
        var dialogue = new Dialogue();
        var wire = ClientRun.Play(dialogue.RunAsync, prefix, input);
        var output = wire.Output;
        CheckLines(output);
        var isSent = output.IndexOf(Stuffed) >= 0 || output.IndexOf(LastChunk) >= 0;
        Check.That(isSent || !dialogue.Results.Any(result => result.Uncertain || result.Recipients.Any(recipient => recipient.IsAccepted)), "accepted, or uncertain, and not sent");
        var said = Octets.Text([.. prefix, .. Packets.Content(input)]);
        CheckParameters(said, Octets.Text(output));
        CheckFirst(said, dialogue);
    }

    /// <summary>A parameter is said to a server whose words name it, and to no other.</summary>
    private static void CheckParameters(string said, string output)
    {
        foreach (var (parameter, keyword) in Parameters)
        {
            Check.That(!output.Contains(parameter, StringComparison.Ordinal) || said.Contains(keyword, StringComparison.OrdinalIgnoreCase), $"{parameter} was not offered");
        }
    }

    /// <summary>What a recipient of the first mail is called rests on the replies that stand in their places.</summary>
    private static void CheckFirst(string said, Dialogue dialogue)
    {
        var codes = ReplyModel.Codes(said);
        if (dialogue.LoginReplies > 0 || dialogue.Results.Count == 0)
        {
            return;
        }

        var greeted = codes.Count > 1 && codes[1] is >= 500 ? 3 : 2;
        var may = ReplyModel.MayBeAccepted([.. codes.Skip(greeted)], dialogue.Asked, dialogue.IsChunked);

        // The reply to the end comes after the end.
        var before = ReplyModel.Codes(said[..dialogue.SaidBeforeEnd]).Count;
        may = before > greeted + 1 + dialogue.Asked + (dialogue.IsChunked ? 0 : 1) ? [] : may;
        for (var i = 0; i < Recipients; i++)
        {
            Check.That(!dialogue.Results[0].Recipients[i].IsAccepted || (i < may.Length && may[i]), "a recipient was accepted that the server did not accept");
        }
    }

    private static void CheckLines(ReadOnlySpan<byte> output)
    {
        for (var i = 0; i < output.Length; i++)
        {
            Check.That(output[i] != '\n' || (i > 0 && output[i - 1] == '\r'), "a bare LF");
            Check.That(output[i] != '\r' || i + 1 == output.Length || output[i + 1] == '\n', "a bare CR");
        }
    }

    private sealed class Dialogue
    {
        private static readonly OutgoingRecipient[] To = [.. Enumerable.Range(0, Recipients).Select(Recipient)];

        /// <summary>All that may be left out where it is not offered.</summary>
        private static readonly MailParameters Full = default(MailParameters) with
        {
            Auth = "a@b.test",
            Return = DsnReturn.Full,
            EnvelopeId = "an id",
            DeliverBy = new DeliverByTime(new DateTimeOffset(2000, 1, 1, 0, 1, 0, TimeSpan.Zero), Returns: false, Trace: true),
            Priority = -3,
        };

        public List<SmtpSendResult> Results { get; } = [];

        public int LoginReplies { get; private set; }

        public int Asked { get; private set; }

        public bool IsChunked { get; private set; }

        /// <summary>Of the first mail's content.</summary>
        public int SaidBeforeEnd { get; private set; }

        public async Task RunAsync(System.IO.Pipelines.IDuplexPipe transport, ClientRun wire)
        {
            await using var connection = new SmtpClientConnection(transport, Options, new FakeTimeProvider());
            if ((await connection.OpenAsync()).IsAccepted)
            {
                Asked = Math.Min(Recipients, connection.Capabilities.MaxRecipients ?? Recipients);
                IsChunked = connection.Capabilities.Chunking;
                LoginReplies = connection.Capabilities.Auth.Count;
                CheckText(await connection.AuthenticateAsync(Login));
                await SendAsync(connection, wire);
                await SendAsync(connection, wire);
                CheckText(await connection.NoopAsync());
            }

            await connection.QuitAsync();
            Check.That(!connection.IsUsable, "usable after QUIT");
        }

        private async Task SendAsync(SmtpClientConnection connection, ClientRun wire)
        {
            var asked = 0;
            var before = wire.Output.Length;
            var result = await connection.SendAsync(new OutgoingMail(ReversePath.Null, Results.Count == 0 ? default : Full, To, new OutgoingContent(Content))
            {
                MayEnd = _ =>
                {
                    asked++;
                    SaidBeforeEnd = Results.Count == 0 ? wire.SaidBytes : SaidBeforeEnd;
                    var sent = wire.Output[before..];
                    Check.That(sent.IndexOf(Stuffed) < 0 && sent.IndexOf(LastChunk) < 0, "the end was sent before it was allowed");
                    return new(true);
                },
            });
            Check.That(result.Recipients.Count == Recipients, "a recipient without a result");
            Check.That(asked == 1 || (asked == 0 && !result.Uncertain && !result.Recipients.Any(recipient => recipient.IsAccepted)), "accepted, and nobody allowed the end");
            Check.That(result.Recipients.All(recipient => recipient.Failure is null), "a failure of ours");
            foreach (var recipient in result.Recipients)
            {
                CheckText(recipient);
            }

            Results.Add(result);
        }

        private static OutgoingRecipient Recipient(int number) => new(new ForwardPath(null, $"r{number}@example.test"))
        {
            Parameters = new() { Notify = DsnNotify.Success | DsnNotify.Failure, OriginalRecipient = number == 0 ? null : new OriginalRecipient("rfc822", "r+1@example.test") },
        };

        private static void CheckText(SmtpResult result)
        {
            Check.That(!result.Text.Any(char.IsControl) && result.Text.Length < 700, "a text that is not fit for a log");
            Check.That(!result.Text.Contains("secret", StringComparison.Ordinal), "a password in a text");
        }
    }
}
