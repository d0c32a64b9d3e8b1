using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Sasl;

/// <summary>What a client of a mechanism says, message by message; each may depend on the challenge before it.</summary>
public sealed class SaslScript
{
    public const string Alice = "alice@example.test";
    public const string Password = "secret, or = so";
    public const string Token = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl";

    public static readonly byte[] Binding = [.. Enumerable.Range(1, 32).Select(octet => (byte)octet)];

    public static readonly SaslPolicy Policy = new(IsEncrypted: true, AllowsClearText: false, Binding, OffersBearer: true);

    public static readonly string[] Mechanisms =
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"];

    /// <summary>The costly part, once for each password and salt.</summary>
    private static readonly ConcurrentDictionary<(ScramHash, string, string), byte[]> Salted = new();

    private readonly List<Func<byte[], byte[]>> _messages;

    private SaslScript(params IEnumerable<Func<byte[], byte[]>> messages) => _messages = [.. messages];

    public int Count => _messages.Count;

    public static InMemoryMailStore Store { get; } = MakeStore();

    public static SaslScript Of(string mechanism) => mechanism switch
    {
        "PLAIN" => new(_ => Utf8($"\0{Alice}\0{Password}")),
        "LOGIN" => new(_ => Utf8(Alice), _ => Utf8(Password)),
        "OAUTHBEARER" => new(_ => Utf8($"n,a={Alice},\u0001host=mx.example.test\u0001port=587\u0001auth=Bearer {Token}\u0001\u0001")),
        "XOAUTH2" => new(_ => Utf8($"user={Alice}\u0001auth=Bearer {Token}\u0001\u0001")),
        _ => Scram(mechanism, "n,,"),
    };

    /// <param name="header">The GS2 header; that of -PLUS is what it must be where it is "n,,".</param>
    public static SaslScript Scram(string mechanism, string header, string user = Alice, string password = Password, byte[]? binding = null)
    {
        var hash = mechanism.Contains("256", StringComparison.Ordinal) ? ScramHash.Sha256 : ScramHash.Sha1;
        var isBound = mechanism.EndsWith("PLUS", StringComparison.Ordinal);
        header = isBound && header == "n,," ? "p=tls-server-end-point,," : header;
        binding ??= isBound ? Binding : [];
        var bare = $"n={user},r=fyko+d2lbbFgONRv9qkxdawL";
        return new(_ => Utf8(header + bare), challenge => Final(hash, header, binding, bare, challenge, password), _ => []);
    }

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Plays the script; <paramref name="change"/> may change a message, by its number from 0. Null: malformed.</summary>
    public async Task<SaslResult?> RunAsync(string mechanism, Func<int, byte[], byte[]>? change = null, SaslPolicy? policy = null, ISaslBackend? backend = null)
    {
        var conversation = SaslConversation.Begin(Encoding.ASCII.GetBytes(mechanism), policy ?? Policy, backend ?? new InMemorySaslBackend(Store));
        Assert.NotNull(conversation);
        var challenge = conversation.FirstChallenge!.Value.ToArray();
        for (var i = 0; ; i++)
        {
            // A script that is over answers as clients do that have nothing to say.
            var message = i < Count ? _messages[i](challenge) : [1];
            var step = await conversation.NextAsync(change is null ? message : change(i, message), CancellationToken.None);
            if (step.Outcome != SaslOutcome.Challenge)
            {
                Assert.Equal(step.Outcome == SaslOutcome.Finished, step.Result is not null);
                return step.Result;
            }

            challenge = step.Challenge.ToArray();
        }
    }

    private static InMemoryMailStore MakeStore()
    {
        var store = new InMemoryMailStore();
        store.AddMailbox("alice", "example.test", Password);
        store.AddMailbox("a,b=c", "example.test", Password);
        store.AddToken(Alice, Token);
        return store;
    }

    private static byte[] Final(ScramHash hash, string header, byte[] binding, string bare, byte[] challenge, string password)
    {
        var serverFirst = Encoding.UTF8.GetString(challenge);
        var parts = serverFirst.Split(',', 3).Select(part => part[2..]).ToArray();
        if (parts.Length < 3 || !int.TryParse(parts[2], out var iterations))
        {
            return [];
        }

        var name = hash == ScramHash.Sha1 ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256;
        var length = hash == ScramHash.Sha1 ? 20 : 32;
        var salted = Salted.GetOrAdd(
            (hash, parts[1], password),
            _ => Rfc2898DeriveBytes.Pbkdf2(Utf8(password), Convert.FromBase64String(parts[1]), iterations, name, length));
        var clientKey = CryptographicOperations.HmacData(name, salted, "Client Key"u8);
        var withoutProof = $"c={Convert.ToBase64String([.. Utf8(header), .. binding])},r={parts[0]}";
        var signature = CryptographicOperations.HmacData(
            name, CryptographicOperations.HashData(name, clientKey), Utf8($"{bare},{serverFirst},{withoutProof}"));
        var proof = clientKey.Zip(signature, (key, octet) => (byte)(key ^ octet)).ToArray();
        return Utf8($"{withoutProof},p={Convert.ToBase64String(proof)}");
    }
}
