using System.Buffers;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Fuzzing.Targets;

/// <summary><see cref="ContentDecoder"/> in each of its forms, which the first octet names, held against <see cref="ContentModel"/>.</summary>
internal static class ContentTarget
{
    private static readonly ContentLimits Limits = new(40, 120, long.MaxValue);

    private static readonly ContentForm[] Forms =
        [ContentForm.Dotted, ContentForm.Mended, ContentForm.Chunked, ContentForm.Chunked | ContentForm.Mended, ContentForm.Chunked | ContentForm.Binary];

    public static FuzzTarget Target { get; } = new(
        "content",
        [.. Enumerable.Range(0, Forms.Length).Select(form => (byte[])[(byte)form, 0, .. "Subject: x\r\n y\r\n\r\n..\r\n.a\r\nb\r\n.\r\nQUIT\r\n"u8])],
        Octets.All("\r\n.\r\n", "\r\n", "\r", "\n", ".", "..", "\r\n.", ".\r\n", "\0", "\r\n\r\n", "\n.\n", "\r.\r", "a", new string('x', 41)),
        Run);

    private static void Run(byte[] input)
    {
        var form = Forms[input.Length == 0 ? 0 : input[0] % Forms.Length];
        var packets = input.Length == 0 ? input : input[1..];
        var sent = Packets.Content(packets);
        var isDotted = (form & ContentForm.Chunked) == 0;
        var decoder = new ContentDecoder(Limits.MaxLineBytes, Limits.MaxHeaderBytes, form);
        var (content, consumed) = Decode(decoder, packets);
        var end = isDotted ? ContentModel.LengthToEnd(sent) : null;
        Check.That(decoder.IsAtEnd == end is not null, "there is an end for one of both only");
        if (isDotted && end is null)
        {
            return;
        }

        Check.That(consumed == (end ?? sent.Length), $"{consumed} octets were taken, not {end ?? sent.Length}");
        var expected = end is { } length ? ContentModel.Unstuff(sent[..(length - 3)]) : sent.ToArray();
        var isGood = expected is not null
            && ContentModel.IsGood(expected, Limits, (form & ContentForm.Binary) != 0, (form & ContentForm.Mended) != 0, isWhole: true);
        Check.That(decoder.Finish() is null == isGood, $"the decoder says {decoder.Failure}");
        if (isGood)
        {
            Check.Same(expected, content, "the content");
        }
    }

    private static (byte[] Content, int Consumed) Decode(ContentDecoder decoder, byte[] packets)
    {
        var content = new ArrayBufferWriter<byte>();
        var total = 0;
        foreach (var packet in Packets.Cut(packets))
        {
            var rest = packet.Span;
            while (!rest.IsEmpty && !decoder.IsAtEnd)
            {
                var run = decoder.Decode(rest, out var consumed, out _);
                Check.That(consumed > 0 && consumed <= rest.Length && run.Length <= consumed, "the decoder stands still");
                content.Write(run);
                rest = rest[consumed..];
                total += consumed;
            }
        }

        return (content.WrittenSpan.ToArray(), total);
    }
}
