using System.Text;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Fuzzing.Targets;

/// <summary>
/// Exchanges of all mechanisms; the first octet chooses one that is offered. Responses are separated by LF, and come as base64 where the second octet's
/// last bit is set; its next bit takes the channel binding away. <c>%R</c> stands for the nonce of the last challenge, which no mutation would meet.
/// </summary>
internal static class SaslTarget
{
    private const int MaxSteps = 8;

    private const string EndPoint = "p=tls-server-end-point,,";

    private static readonly byte[] Binding = new byte[32];
    private static readonly SaslPolicy Bound = new(IsEncrypted: true, AllowsClearText: false, Binding, OffersBearer: true);
    private static readonly SaslPolicy Unbound = Bound with { EndPointBinding = default };
    private static readonly FuzzAccounts Accounts = new();

    public static FuzzTarget Target { get; } = new(
        "sasl",
        [.. Enumerable.Range(0, Bound.Offered.Count).SelectMany(mechanism => Dialogues.Select(text => Octets.Of($"{(char)mechanism}{text}")))],
        Octets.All(
            "\0", "\u0001", "\u0001\u0001", "\n", ",", "=", "n,,", "y,,", "p=tls-server-end-point,,", "p=tls-unique,,", "n=", "r=", "%R", "c=biws", "c=eSws", "p=AAAA", "a=b,", "m=x,", "=2C", "=3D",
            "auth=Bearer ", "user=", "host=x\u0001", "port=1\u0001", "secret", "locked", "disabled", "away", "\u00C3\u00BC", "\u00FF", "QUJD", new string('a', 256)),
        Run);

    private static string[] Dialogues =>
    [
        "\0\0alice\0secret", "\0alice\nsecret", "\0n,,n=user,r=abc\nc=biws,r=%R,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "\0n,,n=user,r=abc\nc=biws,r=%R,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "\0n,a=b,\u0001auth=Bearer abcd\u0001\u0001\n\u0001", "\0user=a\u0001auth=Bearer abcd\u0001\u0001\n",
        $"\0{EndPoint}n=user,r=abc\nc={BoundHeader},r=%R,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        $"\0{EndPoint}n=user,r=abc\nc={BoundHeader},r=%R,x=1,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "\u0001AGEAYg==", "\u0002y,a=user,n=user,r=abc\nc=eSxhPXVzZXIs,r=%R,p=AAAA",
        "\0alice\nwrong", "\0n,,\u0001auth=Bearer abc\u0001\u0001\n\u0001", "\0user=a\u0001auth=Bearer abc\u0001\u0001\n",
    ];

    private static string BoundHeader => Convert.ToBase64String([.. Octets.Of(EndPoint), .. Binding]);

    private static void Run(byte[] input)
    {
        if (input.Length < 2)
        {
            return;
        }

        var policy = (input[1] & 2) == 0 ? Bound : Unbound;
        var mechanism = Octets.Of(policy.Offered[input[0] % policy.Offered.Count]);
        var conversation = SaslConversation.Begin(mechanism, policy, Accounts);
        Check.That(conversation is not null, "a mechanism that is offered is not there");
        var challenge = Octets.Text((conversation.FirstChallenge ?? default).Span);
        var steps = 0;
        foreach (var line in Octets.Text(input.AsSpan(2)).Split('\n').Take(MaxSteps))
        {
            var response = Octets.Of(line.Replace("%R", NonceOf(challenge), StringComparison.Ordinal));
            var decoded = input[1] % 2 == 1 ? CheckedDecode(response) : response;
            if (decoded is null)
            {
                return;
            }

            var step = Next(conversation, decoded);
            Check.That(++steps < MaxSteps || step.Outcome != SaslOutcome.Challenge, "an exchange without end");
            Check.That((step.Outcome == SaslOutcome.Finished) == step.Result is not null, "no result, or one too early");
            Check.That(step.Challenge.Length <= 2 * SaslMechanisms.MaxResponseBytes, "a long challenge");
            challenge = Octets.Text(step.Challenge.Span);
            if (step.Outcome != SaslOutcome.Challenge)
            {
                Check.That(Next(conversation, decoded).Outcome == SaslOutcome.Malformed, "the exchange goes on after its end");
                return;
            }
        }
    }

    private static SaslStep Next(SaslConversation conversation, byte[] response)
    {
        var pending = conversation.NextAsync(response, CancellationToken.None).AsTask();
        Check.That(pending.IsCompleted, "the exchange waits");
        return pending.GetAwaiter().GetResult();
    }

    private static string NonceOf(string challenge)
    {
        var nonce = challenge.Split(',').FirstOrDefault(part => part.StartsWith("r=", StringComparison.Ordinal));
        return nonce is null ? "" : nonce[2..];
    }

    /// <summary>What is taken as base64 is written so: one text an octet string, and no white space.</summary>
    private static byte[]? CheckedDecode(byte[] text)
    {
        var decoded = SaslMechanisms.Decode(text);
        var padded = Encoding.ASCII.GetBytes(Convert.ToBase64String(decoded ?? []));
        Check.That(decoded is null || padded.Length == text.Length, "base64 of another length");
        return decoded;
    }
}
