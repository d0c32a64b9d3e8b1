using System.Collections.Immutable;
using System.Text.Json;
using CsCheck;
using MailGrains.Messages.Summaries;
using static MailGrains.Messages.Tests.Summaries.Mail;

namespace MailGrains.Messages.Tests.Summaries;

public sealed class SummaryCodecTests
{
    private const string Golden =
        "Received: from a by b; Tue, 25 Nov 2025 07:12:33 +0000|Date: Tue, 25 Nov 2025 08:12:33 +0100|From: Alice <alice@example.test>|" +
        "To: Team: bob@example.test;|Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=|Message-ID: <2@x>|References: <1@x>|" +
        "Content-Type: multipart/mixed; boundary=b||--b||Hello|--b|Content-Type: application/pdf|" +
        "Content-Disposition: attachment; filename=\"a b.pdf\"|Content-Transfer-Encoding: base64|Content-ID: <i@x>|Content-Language: de||QUJD|--b--|";

    private static readonly Gen<string> Text = Gen.OneOf(Gen.OneOf("", "text", "charset", "utf-8", "Grüße 😂"), Gen.String[Gen.Char[' ', '\uD7FF'], 0, 40]);

    private static readonly Gen<string?> MaybeText = Gen.Select(Gen.Bool, Text, (present, text) => present ? text : null);

    private static readonly Gen<ImmutableArray<MailAddress>> Addresses =
        Gen.Select(MaybeText, MaybeText, MaybeText, (name, local, domain) => new MailAddress(name, local, domain)).Array[0, 3].Select(a => a.ToImmutableArray());

    private static readonly Gen<Envelope> Envelopes = Gen.Select(
        Gen.Select(MaybeText, MaybeText, MaybeText, MaybeText), Gen.Select(Addresses, Addresses, Addresses), Gen.Select(Addresses, Addresses, Addresses),
        (t, a, b) => new Envelope(t.Item1, t.Item2, a.Item1, a.Item2, a.Item3, b.Item1, b.Item2, b.Item3, t.Item3, t.Item4));

    private static readonly Gen<ImmutableArray<BodyParameter>> Parameters =
        Gen.Select(Text, Text, (name, value) => new BodyParameter(name, value)).Array[0, 3].Select(p => p.ToImmutableArray());

    private static readonly Gen<BodyPart> Leaf = Gen.Select(
        Gen.Select(Text, Text, Text, MaybeText, MaybeText, MaybeText), Gen.Select(MaybeText, MaybeText, Parameters, Parameters),
        Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 1000], Gen.Int[0, 1_000_000], Gen.Int[0, 1000]), Gen.Select(Envelopes, Gen.Bool, Text.Array[0, 2]),
        (t, u, n, e) => new BodyPart
        {
            Type = t.Item1,
            Subtype = t.Item2,
            Encoding = t.Item3,
            Id = t.Item4,
            Description = t.Item5,
            Md5 = t.Item6,
            Disposition = u.Item1,
            Location = u.Item2,
            Parameters = u.Item3,
            DispositionParameters = u.Item4,
            HeaderOffset = n.Item1,
            BodyOffset = n.Item1 + n.Item2,
            BodyLength = n.Item3,
            Lines = n.Item4,
            Envelope = e.Item2 ? e.Item1 : null,
            Languages = [.. e.Item3],
        });

    private static readonly Gen<MessageSummary> Summaries = Gen.Select(
        Envelopes, Leaf, Leaf.Array[0, 3], Text, Text.Array[0, 3], Gen.Select(Gen.DateTimeOffset, Gen.Bool, Gen.Bool, Gen.Bool), Gen.Int[0, 100],
        (envelope, root, leaves, preview, references, flags, received) => new MessageSummary
        {
            Envelope = envelope,
            Body = root with { Parts = Placed(leaves, root.BodyOffset) },
            Preview = preview,
            References = [.. references],
            SentAt = flags.Item2 ? new DateTimeOffset(flags.Item1.Ticks / 10_000_000 * 10_000_000, flags.Item1.Offset) : null,
            HasAttachment = flags.Item3,
            IsOpaque = flags.Item4,
            TlsIsOptional = flags.Item3,
            ReceivedCount = received,
            Size = root.BodyOffset + root.BodyLength,
        });

    [Fact]
    public void WhatIsEncodedIsDecoded() => Summaries.Sample(summary =>
    {
        var decoded = MessageSummary.Decode(summary.Encode());
        Assert.Equal(JsonSerializer.Serialize(summary), JsonSerializer.Serialize(decoded));
        Assert.Equal(summary.ThreadId(), decoded.ThreadId());
    }, iter: 500);

    [Fact]
    public void DamageIsAFormatExceptionOrAnotherSummary() => Gen.Select(Summaries, Gen.Int[0, 10_000], Gen.Byte).Sample((summary, at, value) =>
    {
        var bytes = summary.Encode();
        var cut = bytes.AsSpan(0, at % bytes.Length).ToArray();
        Assert.Throws<FormatException>(() => MessageSummary.Decode(cut));
        bytes[at % bytes.Length] = value;
        try
        {
            MessageSummary.Decode(bytes).Encode();
        }
        catch (FormatException)
        {
        }
    }, iter: 1_500);

    [Fact]
    public void ANewerFormatIsRefused()
    {
        var bytes = Read("Subject: x||y").Encode();
        bytes[0]++;
        Assert.Throws<FormatException>(() => MessageSummary.Decode(bytes));
    }

    [Fact]
    public void TheStoredFormOfFormat1StaysReadable()
    {
        // Written by the first release that had this format: whatever comes later must read it.
        const string Stored =
            "AQXhm92F7gHcCwHZA0BUdWUsIDI1IE5vdiAyMDI1IDA4OjEyOjMzICswMTAwOD0/dXRmLTg/cT9Hcj1DMz1CQz1DMz05RmU/PQEM" +
            "QWxpY2UMYWxpY2UaZXhhbXBsZS50ZXN0AAADAApUZWFtAAAIYm9iGmV4YW1wbGUudGVzdAAAAAAAAAw8MkB4PgEIMUB4DEhlbGxv" +
            "wAIHCxkAlwLCAQwBKwRiAgABAxkFAgUBGQ9HHQeiAQQBDDxpQHg+MQEvEGEgYi5wZGYBBmRl";
        var summary = MessageSummary.Decode(Convert.FromBase64String(Stored));
        Assert.Equal(Stored, Convert.ToBase64String(Read(Golden).Encode()));
        Assert.Equal("Grüße", HeaderValue.Decode(summary.Envelope.Subject!));
        Assert.Equal("multipart/mixed(text/plain application/pdf)", Shape(summary.Body));
        Assert.Equal("Hello", summary.Preview);
        Assert.True(summary.HasAttachment);
    }

    [Fact]
    public void ASimpleMessageTakesLessThanHalfAKibibyte()
    {
        var summary = Read(
            "Received: from a.example (a.example [192.0.2.1])|\tby b.example with ESMTP id 1; Tue, 25 Nov 2025 07:12:33 +0000|" +
            "Date: Tue, 25 Nov 2025 07:12:33 +0000|From: \"Alice Example\" <alice@example.test>|To: bob@example.test, Carol <carol@example.test>|" +
            "Subject: Minutes of the meeting|Message-ID: <20251125071233.1234@example.test>|MIME-Version: 1.0|" +
            "Content-Type: text/plain; charset=utf-8|Content-Transfer-Encoding: 8bit||" +
            string.Concat(Enumerable.Repeat("The quick brown fox jumps over the lazy dog, and the dog does not mind at all.|", 50)));
        Assert.InRange(summary.Encode().Length, 1, 512);
    }

    private static ImmutableArray<BodyPart> Placed(BodyPart[] parts, long origin)
    {
        for (var i = 0; i < parts.Length; i++)
        {
            parts[i] = parts[i] with { HeaderOffset = origin + parts[i].HeaderOffset, BodyOffset = origin + parts[i].BodyOffset };
            origin = parts[i].BodyOffset + parts[i].BodyLength;
        }

        return [.. parts];
    }
}
