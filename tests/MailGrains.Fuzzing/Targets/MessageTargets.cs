using System.Text;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Messages.Submission;
using MailGrains.Messages.Summaries;

namespace MailGrains.Fuzzing.Targets;

/// <summary>What reads messages: the summary with its addresses and its stored form, and the header of a submitted message.</summary>
internal static class MessageTargets
{
    private static readonly SummaryReader Reader = new();

    private static readonly string[] Words =
    [
        "\r\n", "\r\n\r\n", "\r\n ", "\r\n\t", "\r", "\n", "\0", ":", ": ", "From: ", "Sender: ", "Resent-From: ", "To: ", "Bcc: ", "Subject: ", "Date: ", "Message-ID: ", "References: ", "Received: ",
        "Return-Path: ", "In-Reply-To: ", "Content-Type: ", "multipart/mixed; boundary=b\r\n", "message/rfc822\r\n", "text/plain; charset=utf-8\r\n", "text/html", "Content-Transfer-Encoding: ",
        "base64\r\n", "quoted-printable\r\n", "Content-Disposition: attachment; filename*0*=utf-8''a%20; filename*1=b\r\n", "\r\n--b\r\n", "\r\n--b--\r\n", "--b", "=?utf-8?q?=00=0D?=", "=?utf-8?b?QQ==?=",
        "=?", "?=", "<a@b.test>", "a@b.test", "\"x\" ", "(c)", "(", ")", "<", ">", "@", ",", ";", "\\", "\"", "Group: a@b, c@d;", "[192.0.2.1]", "\u00C3\u00BC", "\u00FF", "Thu, 1 Jan 1970 00:00:00 +0000",
    ];

    private static readonly IReadOnlyList<byte[]> Seeds = Octets.All(
        "From: A <a@b.test>\r\nTo: g: c@d.test, \"e\" <f@g.test>;\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <1@b.test>\r\nSubject: =?utf-8?q?x=C3=BC?=\r\n\r\nbody\r\n",
        "From: a@b.test, c@d.test\r\nSender: a@b.test\r\nBcc: x@y.test\r\n\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ntwo\r\n--b--\r\n",
        "Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=FC&amp;\r\n");

    public static IEnumerable<FuzzTarget> All { get; } =
    [
        new("summary", Seeds, Octets.All(Words), RunSummary),
        new("summary-codec", [.. Seeds.Select(seed => Reader.Read(seed).Encode())], [[0], [255], [128, 1], [255, 255, 255, 255, 15]], RunCodec),
        new("submitted-header", Seeds, Octets.All(Words), RunHeader),
    ];

    private static void RunSummary(byte[] input)
    {
        var summary = Reader.Read(input);
        Check.That(summary.Size == input.Length, "another size");
        CheckPart(summary.Body, 0, summary.Size);
        var stored = summary.Encode();
        Check.Same(stored, MessageSummary.Decode(stored).Encode(), "the stored form");
        Check.That(summary.Preview.Length <= 256 && !summary.Preview.Any(char.IsControl), "the preview");
        var envelope = summary.Envelope;
        foreach (var address in envelope.From.Concat(envelope.Sender).Concat(envelope.ReplyTo).Concat(envelope.To).Concat(envelope.Cc).Concat(envelope.Bcc))
        {
            Check.That(!$"{address.Name}{address.Localpart}{address.Domain}".Any(char.IsControl), "a control character in an address");
        }

        _ = HeaderValue.Decode(envelope.Subject ?? "");
        _ = summary.ThreadId();
    }

    private static void CheckPart(BodyPart part, long from, long to)
    {
        Check.That(from <= part.HeaderOffset && part.HeaderOffset <= part.BodyOffset, "the header of a part");
        Check.That(part.BodyLength >= 0 && part.BodyOffset + part.BodyLength <= to, "the body of a part");
        foreach (var child in part.Parts)
        {
            CheckPart(child, from, part.BodyOffset + part.BodyLength);
            from = child.BodyOffset + child.BodyLength;
        }
    }

    /// <summary>What was damaged where it was stored says so, and nothing else.</summary>
    private static void RunCodec(byte[] input)
    {
        MessageSummary summary;
        try
        {
            summary = MessageSummary.Decode(input);
        }
        catch (FormatException)
        {
            return;
        }

        var stored = summary.Encode();
        Check.Same(stored, MessageSummary.Decode(stored).Encode(), "the stored form");
    }

    private static void RunHeader(byte[] input)
    {
        foreach (var smtpUtf8 in new[] { false, true })
        {
            var terms = new RepairTerms(smtpUtf8, DateTimeOffset.UnixEpoch, "made@b.test");
            var header = HeaderRepair.Run(input, terms);
            if (header.Fault != HeaderFault.None)
            {
                Check.That(header.Repaired.IsEmpty && header.Senders.IsEmpty, "a header that is refused and taken");
                continue;
            }

            CheckHeader(header, smtpUtf8);
            var again = HeaderRepair.Run(header.Repaired, terms with { MessageId = "other@b.test" });
            Check.That(again.Fault == HeaderFault.None && !again.IsChanged && again.HadMessageId, $"what was repaired needs repair: {again.Fault}");
            Check.That(again.Senders.SequenceEqual(header.Senders), "other senders");
        }
    }

    private static void CheckHeader(SubmittedHeader header, bool smtpUtf8)
    {
        var text = Octets.Text(header.Repaired.Span);
        var rest = text.Replace("\r\n", "", StringComparison.Ordinal);
        Check.That(rest.AsSpan().IndexOfAny('\r', '\n', '\0') < 0, "a bare CR, LF or NUL");
        Check.That(smtpUtf8 || Ascii.IsValid(header.Repaired.Span), "octets beyond ASCII");
        var lines = text.Split("\r\n");
        Check.That(!lines.Any(line => line.StartsWith("Bcc:", StringComparison.OrdinalIgnoreCase)), "a blind copy");
        Check.That(lines.Count(line => line.StartsWith("From:", StringComparison.OrdinalIgnoreCase)) == 1, "not one From");
        Check.That(header.Senders.Length is > 0 and <= HeaderRepair.MaxSenders, "no sender, or too many");
        Check.That(header.Senders.All(sender => sender.Localpart.Length > 0 && sender.Domain.Length > 0), "a sender without a name");
    }
}
