using System.Text;
using CsCheck;
using MailGrains.Messages.Conversion;
using MimeKit;

namespace MailGrains.Messages.Tests.Conversion;

public sealed class SevenBitPropertyTests
{
    private static readonly Gen<string> Text = Gen.OneOf(
        "plain text", "ü", "Grüße aus Köln", "Привет, мир", "\r\n", "\r\n\r\n", " ", "\t", "=", "=C3", ".", "\r\n.\r\n", "--", "--level9", "From x\r\n",
        "\0", "\r", "\u20AC", new string('x', 990), new string('y', 1_200), new string('ü', 600), "=?utf-8?q?=C3=BC?=").Array[0, 8].Select(string.Concat);

    private static readonly Gen<string> HeaderText =
        Gen.OneOf("word", "Grüße", " ", " ", "=?utf-8?q?=C3=BC?=", "\u20AC", "(", "\"", "ü", new string('z', 1_100)).Array[1, 5].Select(string.Concat);

    private static readonly Gen<string> Leaf = Gen.Select(
        Gen.OneOf("text/plain; charset=utf-8", "text/html", "image/png", "application/x-own; name=\"Grüße.txt\"", ""),
        Gen.OneOf("8bit", "binary", "7bit", ""), HeaderText, Text).Select((type, encoding, description, text) =>
            Field("Content-Type", type) + Field("Content-Description", description) + Field("Content-Transfer-Encoding", encoding) + "\r\n" + text);

    private static readonly Gen<string> Tree = Gen.Recursive<string>((depth, tree) => depth >= 4
        ? Leaf
        : Gen.Frequency(
            (3, Leaf),
            (2, Gen.Select(tree.Array[1, 3], Text).Select((parts, between) => Multipart(depth, parts, between))),
            (1, Gen.Select(tree, HeaderText).Select(Carried))));

    /// <summary>Scraps that break whatever can be broken.</summary>
    private static readonly Gen<byte[]> Nasty = Gen.OneOf(
        "\r\n", "\r\n", "\r\n\r\n", "\n", "\r", " ", "\t", "\0", ":", ";", "ü", "\u20AC", "--b", "\r\n--b\r\n", "\r\n--b--\r\n", "\r\n--c\r\n",
        "\r\n--c--\r\n", "Subject: ", "From: ", "Content-Type: multipart/mixed; boundary=b\r\n", "Content-Type: multipart/signed; boundary=\"c\"\r\n",
        "Content-Type: message/rfc822\r\n", "Content-Type: text/plain\r\n", "Content-Type: multipart/digest; boundary=b\r\n", "w7zD", "=C3", "a@b.test",
        "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "Content-Transfer-Encoding: 8bit\r\n", new string('x', 999)).Array[0, 40].Select(scraps => Encoding.UTF8.GetBytes(string.Concat(scraps)));

    [Fact]
    public void ThePartsOfAConvertedMessageDecodeToWhatTheyWere() => Tree.Sample(tree =>
    {
        var content = Encoding.UTF8.GetBytes($"Subject: s\r\nMIME-Version: 1.0\r\n{tree}");
        if (Convert(content, 1_000) is { } converted)
        {
            Assert.Equal(Described(content), Described(converted));
            Assert.Equal(converted, Convert(content, 101));
            Assert.Equal(ConversionVerdict.NotNeeded, Plan(converted).Verdict);
        }
    }, iter: 200);

    [Fact]
    public void WhateverComesIsConvertedOrLeftAlone() => Nasty.Sample(content =>
    {
        if (Convert(content, 1_000) is { } converted)
        {
            Assert.Equal(Summaries.Mail.Shape(Summaries.Mail.Reader.Read(content).Body), Summaries.Mail.Shape(Summaries.Mail.Reader.Read(converted).Body));
            Assert.Equal(ConversionVerdict.NotNeeded, Plan(converted).Verdict);
        }
    }, iter: 1_000);

    private static SevenBitConversion Plan(byte[] content) => SevenBitConversionTests.Plan(content).GetAwaiter().GetResult();

    /// <summary>Null where there is nothing to convert, or no way.</summary>
    private static byte[]? Convert(byte[] content, int step)
    {
        var plan = Plan(content);
        return plan.Verdict == ConversionVerdict.Convertible ? SevenBitConversionTests.Converted(content, plan, step).GetAwaiter().GetResult() : null;
    }

    /// <summary>What a reader sees of each part.</summary>
    private static List<string> Described(byte[] content)
    {
        var parts = new List<string>();
        Describe(SevenBitConversionTests.Parse(content).Body, parts);
        return parts;
    }

    private static void Describe(MimeEntity? entity, List<string> parts)
    {
        var type = entity?.ContentType;
        parts.Add($"{type?.MimeType} {entity?.ContentDisposition?.FileName ?? type?.Name} {Words(entity?.Headers[HeaderId.ContentDescription])}");
        switch (entity)
        {
            case Multipart multipart:
                foreach (var part in multipart)
                {
                    Describe(part, parts);
                }

                break;
            case MessagePart carried:
                parts.Add(Words(carried.Message?.Subject));
                Describe(carried.Message?.Body, parts);
                break;
            case MimePart part:
                parts.Add(Encoding.Latin1.GetString(SevenBitConversionTests.Decoded(part)));
                break;
        }
    }

    /// <summary>Folding and encoded words may take or give white space.</summary>
    private static string Words(string? text) => string.Concat((text ?? "").Where(c => !char.IsWhiteSpace(c)));

    private static string Field(string name, string value) => value.Length == 0 ? "" : $"{name}: {value}\r\n";

    private static string Carried(string part, string subject) =>
        $"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: {subject}\r\n{part}";

    private static string Multipart(int depth, string[] parts, string between) =>
        $"Content-Type: multipart/mixed; boundary=level{depth}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{between.Replace("--", "", StringComparison.Ordinal)}\r\n"
        + string.Concat(parts.Select(part => $"--level{depth}\r\n{part}\r\n")) + $"--level{depth}--\r\n";
}
