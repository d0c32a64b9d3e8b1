using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Pop3;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tests.Pop3;
using MailGrains.Protocols.Tests.Wire;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Protocols.Tests;

/// <summary>
/// Runs scripts: <c>[smtp name]</c> or <c>[pop3 name]</c> opens a session or goes back to it (no name: always a new one; a name that starts with "clear" may
/// not log in), <c>C:</c> lines that follow each other are sent in one piece, <c>S:</c> lines must come, and a star at their end stands for any rest.
/// </summary>
public sealed class Transcripts
{
    public static TheoryData<string, int> Scripts()
    {
        var scripts = new TheoryData<string, int>();
        foreach (var path in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Transcripts"), "*.txt").Order(StringComparer.Ordinal))
        {
            scripts.Add(Path.GetFileName(path), 0);
            scripts.Add(Path.GetFileName(path), 1);
            scripts.Add(Path.GetFileName(path), 5);
        }

        return scripts;
    }

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task ScriptIsAnsweredAsWritten(string script, int pieceBytes)
    {
        // The scripts are UTF-8; the wire is octets, one char each.
        var octets = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Transcripts", script), TestContext.Current.CancellationToken);
        var lines = Encoding.Latin1.GetString(octets).Split('\n');
        await new Run(pieceBytes).PlayAsync(lines);
    }

    private sealed class Run
    {
        private readonly InMemoryMailStore _store = new();
        private readonly FakeTimeProvider _time = new();
        private readonly Dictionary<string, WireClient> _clients = [];
        private readonly StringBuilder _toSend = new();
        private readonly int _pieceBytes;
        private WireClient? _client;

        public Run(int pieceBytes)
        {
            _pieceBytes = pieceBytes;
            _store.AddMailbox("alice", "example.test", "secret");
            _store.AddMailbox("bob", "example.test", "hidden");
        }

        public async Task PlayAsync(string[] lines)
        {
            for (var number = 0; number < lines.Length; number++)
            {
                var line = lines[number];
                if (line.StartsWith('['))
                {
                    _client = Open(line.Trim('[', ']'));
                }
                else if (line == "C: <hang up>")
                {
                    await _client!.HangUpAsync();
                }
                else if (line.StartsWith("C:", StringComparison.Ordinal))
                {
                    _toSend.Append(line.Length > 3 ? line[3..] : "").Append("\r\n");
                    if (number + 1 == lines.Length || !lines[number + 1].StartsWith("C: ", StringComparison.Ordinal) && lines[number + 1] != "C:")
                    {
                        await _client!.SendAsync(_toSend.ToString(), _pieceBytes);
                        _toSend.Clear();
                    }
                }
                else if (line.StartsWith("S:", StringComparison.Ordinal))
                {
                    await ExpectAsync(line.Length > 3 ? line[3..] : "", $"line {number + 1}: {line}");
                }
                else
                {
                    Assert.True(line.Length == 0 || line[0] == '#', $"line {number + 1}: what is this?");
                }
            }
        }

        private async Task ExpectAsync(string expected, string where)
        {
            var line = await _client!.ReadLineAsync() ?? "<closed>";
            var matches = expected.EndsWith('*') ? line.StartsWith(expected[..^1], StringComparison.Ordinal) : line == expected;
            Assert.True(matches, $"{where}\nbut came: {line}");
        }

        private WireClient Open(string session)
        {
            var words = session.Split(' ');
            if (words.Length > 1 && _clients.TryGetValue(session, out var open))
            {
                return open;
            }

            var client = words[0] == "smtp" ? OpenSmtp() : OpenPop3(words.Length == 1 || !words[1].StartsWith("clear", StringComparison.Ordinal));
            _clients[session] = client;
            return client;
        }

        private WireClient OpenSmtp()
        {
            var session = new SmtpServerSession(new() { HostName = "mx.example.test" }, new InMemorySmtpBackend(_store), _time);
            return new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        }

        private WireClient OpenPop3(bool allowsClearTextLogin)
        {
            var policy = allowsClearTextLogin ? Pop3Fixture.ClearText : SaslPolicy.None;
            var session = new Pop3ServerSession(
                new() { HostName = "pop.example.test" }, new InMemoryPop3Backend(_store), new InMemorySaslBackend(_store), policy, _time);
            return new WireClient(transport => session.RunAsync(transport, CancellationToken.None));
        }
    }
}
