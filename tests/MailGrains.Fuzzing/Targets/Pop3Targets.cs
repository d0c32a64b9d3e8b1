using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Fuzzing.Targets;

/// <summary>The whole POP3 session, before and after login.</summary>
internal static class Pop3Targets
{
    private const int MaxLineBytes = 200;
    private const string Login = "USER alice\r\nPASS secret\r\n";

    private static readonly SaslPolicy Policy = new(IsEncrypted: false, AllowsClearText: true, default, OffersBearer: true);
    private static readonly FuzzAccounts Accounts = new();
    private static readonly Pop3ServerOptions Options = new()
    {
        HostName = "pop.example.test",
        MaxLineBytes = MaxLineBytes,
        MaxErrors = 12,
        FailedLoginDelay = TimeSpan.Zero,
    };

    private static readonly IReadOnlyList<byte[]> Messages =
        Octets.All("Subject: x\r\n\r\n.\r\n..a\r\nb\r\n", "A: b\r\n\r\n1\r\n2\r\n3", "", ".", "Subject: raw\r\n\r\n\r\0\n.\n\r\n.\r", "\r\n");

    private static readonly string[] Words =
    [
        "USER alice\r\n", "PASS secret\r\n", Login, "USER locked\r\n", "USER disabled\r\n", "USER away\r\n", "STAT\r\n", "LIST\r\n", "LIST ", "UIDL\r\n", "UIDL ", "RETR ", "TOP 1 0\r\n",
        "TOP ", "DELE ", "RSET\r\n", "NOOP\r\n", "QUIT\r\n", "CAPA\r\n", "UTF8\r\n", "LANG\r\n", "LANG en\r\n", "AUTH\r\n", "AUTH PLAIN\r\n", "AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n", "AUTH LOGIN\r\n",
        "AUTH SCRAM-SHA-256 ", "AUTH XOAUTH2 ", "AUTH OAUTHBEARER ", "biwsbj11c2VyLHI9YWJj\r\n", "AGFsaWNlAHNlY3JldA==\r\n", "*\r\n", "=", "\r\n", "\r", "\n", "\0", " ", "1\r\n", "2\r\n", "5 1\r\n",
        "99999999999999999999\r\n", new string('x', 100),
    ];

    public static IEnumerable<FuzzTarget> All { get; } = [Target("pop3-authorization", ""), Target("pop3-transaction", Login)];

    private static FuzzTarget Target(string name, string before)
    {
        var prefix = Octets.Of(before);
        var seeds = Octets.All(
            "\0" + Login + "LIST\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nQUIT\r\n", "\u0005STAT\r\nUIDL\r\nRETR 5\r\nDELE 2\r\nRSET\r\nDELE 3\r\nQUIT\r\n", "\0AUTH PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\nLIST 1\r\n",
            "\0AUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n", "\u0001CAPA\r\nUTF8\r\nLANG\r\nNOOP\r\nAUTH\r\nAUTH PLAIN\r\n*\r\n");
        return new FuzzTarget(name, seeds, Octets.All(Words), input => Run(prefix, input));
    }

    private static void Run(byte[] prefix, byte[] input)
    {
        var backend = new Backend();
        var session = new Pop3ServerSession(Options, backend, Accounts, Policy, new FakeTimeProvider());
        var transcript = WireRun.Play(transport => session.RunAsync(transport, CancellationToken.None), prefix, input);
        var removed = new Pop3Model(transcript, MaxLineBytes, Messages).Removed();
        Check.That(removed.SetEquals(backend.Removed), "other messages are gone than were marked");
        Check.That(backend.Opened == backend.Closed, "a maildrop is left open");
    }

    private sealed class Backend : IPop3Backend, IPop3Maildrop
    {
        public HashSet<int> Removed { get; } = [];

        public int Opened { get; private set; }

        public int Closed { get; private set; }

        public int Count => Messages.Count;

        public ValueTask<IPop3Maildrop?> OpenMaildropAsync(SaslIdentity identity, CancellationToken cancellationToken)
        {
            Opened++;
            Check.That(Opened == 1, "two logins");
            return new(this);
        }

        public void Failed(Exception failure) => throw new FindingException($"reported as failed: {failure}");

        public long Octets(int index) => Messages[index].Length + (Messages[index].Length == 0 || Messages[index].AsSpan().EndsWith("\r\n"u8) ? 0 : 2);

        public string UniqueId(int index) => $"m{index}";

        public ValueTask<Stream?> OpenAsync(int index, CancellationToken cancellationToken)
        {
            Check.That(index >= 0 && index < Count, "a message that is not there");
            return new(new MemoryStream(Messages[index], writable: false));
        }

        public ValueTask<bool> DeleteAsync(IReadOnlyList<int> indexes, CancellationToken cancellationToken)
        {
            Check.That(indexes.Count > 0 && Removed.Count == 0, "removed twice, or nothing");
            Removed.UnionWith(indexes);
            return new(true);
        }

        public ValueTask DisposeAsync()
        {
            Closed += Closed < Opened ? 1 : 0;
            return default;
        }
    }
}
