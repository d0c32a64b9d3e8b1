using System.Text;
using CsCheck;
using MailGrains.Protocols.InMemory;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Tests.Sasl;

/// <summary>What holds for every mechanism.</summary>
public sealed class SaslConversationTests
{
    private readonly CancellationToken _cancellation = TestContext.Current.CancellationToken;

    public static TheoryData<string> Mechanisms() => [.. SaslScript.Mechanisms];

    public static TheoryData<string, int, int> Prefixes()
    {
        var rows = new TheoryData<string, int, int>();
        foreach (var mechanism in SaslScript.Mechanisms)
        {
            SaslScript.Of(mechanism).RunAsync(mechanism, (i, message) =>
            {
                for (var length = 0; length < message.Length; length++)
                {
                    rows.Add(mechanism, i, length);
                }

                return message;
            }).Wait();
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Mechanisms))]
    public async Task RightSecretIsAcceptedInAnyCaseOfTheMechanismsName(string mechanism)
    {
        var result = await SaslScript.Of(mechanism).RunAsync(mechanism.ToLowerInvariant());
        Assert.Equal(SaslResult.Accept(new SaslIdentity(SaslScript.Alice)), result);
    }

    [Theory]
    [MemberData(nameof(Prefixes))]
    public async Task PrefixOfAMessageNeverLogsIn(string mechanism, int message, int length)
    {
        var result = await SaslScript.Of(mechanism).RunAsync(mechanism, (i, whole) => i == message ? whole[..length] : whole);
        Assert.NotEqual(SaslStatus.Accepted, result?.Status);
    }

    [Fact]
    public async Task ChangedMessageNeverThrowsAndLogsInOnlyWithTheSecretInIt() =>
        await Gen.Select(Gen.OneOf(SaslScript.Mechanisms), Gen.Int[0, 1], Gen.Int[0, 300], Gen.Byte, Gen.Int[0, 2])
            .SampleAsync(async (mechanism, number, at, octet, kind) =>
            {
                var changed = false;
                var said = new StringBuilder();
                var result = await SaslScript.Of(mechanism).RunAsync(mechanism, (i, message) =>
                {
                    var sent = i == number ? Change(message, at % (message.Length + 1), octet, kind) : message;
                    changed |= !sent.AsSpan().SequenceEqual(message);
                    said.Append(Encoding.Latin1.GetString(sent)).Append('\n');
                    return sent;
                });
                if (result?.Status == SaslStatus.Accepted && changed)
                {
                    Assert.DoesNotContain("SCRAM", mechanism, StringComparison.Ordinal);
                    Assert.Contains(SaslScript.Alice, said.ToString(), StringComparison.OrdinalIgnoreCase);
                    Assert.Contains(mechanism.EndsWith('N') ? SaslScript.Password : SaslScript.Token, said.ToString(), StringComparison.Ordinal);
                }
            }, iter: 20_000, threads: 1);

    [Fact]
    public async Task NoiseNeverThrowsAndNeverLogsIn() =>
        await Gen.Select(Gen.OneOf(SaslScript.Mechanisms), Gen.Byte.Array[0, 400].Array[1, 4]).SampleAsync(async (mechanism, noise) =>
        {
            var conversation = SaslConversation.Begin(Encoding.ASCII.GetBytes(mechanism), SaslScript.Policy, new InMemorySaslBackend(SaslScript.Store))!;
            foreach (var message in noise)
            {
                Assert.NotEqual(SaslStatus.Accepted, (await conversation.NextAsync(message, CancellationToken.None)).Result?.Status);
            }
        }, iter: 20_000, threads: 1);

    [Fact]
    public async Task NothingIsTakenOnceItIsOverOrFailed()
    {
        var conversation = SaslConversation.Begin("PLAIN"u8, SaslScript.Policy, new InMemorySaslBackend(SaslScript.Store))!;
        Assert.Equal(SaslOutcome.Malformed, (await conversation.NextAsync([], _cancellation)).Outcome);
        Assert.Null(conversation.FirstChallenge);
        var login = SaslScript.Utf8($"\0{SaslScript.Alice}\0{SaslScript.Password}");
        Assert.Equal(SaslOutcome.Malformed, (await conversation.NextAsync(login, _cancellation)).Outcome);

        conversation = SaslConversation.Begin("PLAIN"u8, SaslScript.Policy, new InMemorySaslBackend(SaslScript.Store))!;
        Assert.Equal(SaslStatus.Accepted, (await conversation.NextAsync(login, _cancellation)).Result!.Status);
        Assert.Equal(SaslOutcome.Malformed, (await conversation.NextAsync(login, _cancellation)).Outcome);
    }

    [Theory]
    [InlineData(true, false, true, true, true, "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN OAUTHBEARER XOAUTH2")]
    [InlineData(true, false, false, true, true, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN OAUTHBEARER XOAUTH2")]
    [InlineData(true, false, true, false, true, "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN")]
    [InlineData(true, false, true, false, false, "PLAIN LOGIN")]
    [InlineData(false, true, false, false, true, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN")]
    [InlineData(false, false, true, true, true, "")]
    public void WhatIsNotOfferedIsNotTaken(bool isEncrypted, bool allowsClearText, bool binds, bool bearer, bool scram, string expected)
    {
        var policy = new SaslPolicy(isEncrypted, allowsClearText, binds ? SaslScript.Binding : default(ReadOnlyMemory<byte>), bearer) { OffersScram = scram };
        Assert.Equal(expected, string.Join(' ', policy.Offered));
        var backend = new InMemorySaslBackend(SaslScript.Store);
        foreach (var mechanism in SaslScript.Mechanisms)
        {
            Assert.Equal(policy.Offered.Contains(mechanism), SaslConversation.Begin(Encoding.ASCII.GetBytes(mechanism), policy, backend) is not null);
        }

        Assert.Null(SaslConversation.Begin("CRAM-MD5"u8, policy, backend));
        Assert.Null(SaslConversation.Begin(""u8, policy, backend));
    }

    private static byte[] Change(byte[] message, int at, byte octet, int kind) => kind switch
    {
        0 => [.. message[..at], octet, .. message[at..]],
        1 => [.. message[..at], .. message[Math.Min(at + 1, message.Length)..]],
        _ => [.. message[..at], octet, .. message[Math.Min(at + 1, message.Length)..]],
    };
}
