using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using MailGrains.Messages.Submission;
using MimeKit;

namespace MailGrains.Messages.Tests.Submission;

public sealed partial class HeaderRepairPropertyTests
{
    private static readonly Gen<string> Name = Gen.OneOf(
        "From", "from", "FROM", "Sender", "Resent-From", "Resent-Sender", "Bcc", "BCC", "bcC", "Resent-Bcc", "Return-Path", "Date", "Message-ID", "message-id",
        "Subject", "X-Bcc", "Received", "To", "From ", "");

    private static readonly Gen<string> Piece = Gen.OneOf(
        Gen.OneOf(
            "a@b.test", "<a@b.test>", "A <c@d.test>", "\"x\" ", "(c)", ", ", ";", ":", "x: ", "\r\n ", "\r\n\t", "\r\n \r\n ", "\r\n \r\n", "\r", "\n", "\0", "\\", "\"",
            "<", ">", "@", "(", ")", "=?utf-8?q?a=00?=", "é", "\r\n", "\r\n\r\n", "\u202e"),
        Gen.String[Gen.Char['\x1', '\x7f'], 0, 6]);

    private static readonly Gen<string> Value = Gen.Frequency(
        (3, Gen.OneOf(" a@b.test", " A B <a@b.test>", " <1@b.test>", " Thu, 1 Jan 1970 00:00:00 +0000", " a@b.test,\r\n c@d.test", "", " ", "\r\n ", " x\r\n \r\n y")),
        (1, Piece.Array[0, 6].Select(string.Concat)));

    private static readonly Gen<string> Field = Gen.Select(Name, Value, Gen.Frequency((9, Gen.Const("\r\n")), (1, Gen.OneOf("", "\n", "\r"))), (n, v, end) => $"{n}:{v}{end}");

    private static readonly Gen<string> Section = Gen.Frequency(
        (9, Gen.Select(Field.Array[0, 6], Gen.OneOf("\r\n", "\r\n", ""), (fields, end) => "From: a@b.test\r\n" + string.Concat(fields) + end)),
        (3, Field.Array[0, 6].Select(fields => string.Concat(fields) + "\r\n")),
        (1, Piece.Array[0, 20].Select(string.Concat)));

    private static readonly Gen<bool> SmtpUtf8 = Gen.Bool;

    [Fact]
    public void NoSectionThrowsAndWhatIsTakenIsClean()
    {
        var taken = 0;
        Gen.Select(Section, SmtpUtf8).Sample((section, smtpUtf8) =>
        {
            var header = Submitted.Repair(section, smtpUtf8);
            if (header.Fault == HeaderFault.None)
            {
                Interlocked.Increment(ref taken);
                AssertClean(Submitted.Text(header));
                Assert.Contains(header.Senders, s => s.Field == "From");
            }
            else
            {
                Assert.True(header.Repaired.IsEmpty && header.Senders.IsEmpty);
            }
        }, iter: 10_000);
        Assert.True(taken > 1_000, $"Only {taken} headers were taken: the generator shows too little.");
    }

    [Fact]
    public void ARepairedHeaderNeedsNoRepair() => Gen.Select(Section, SmtpUtf8).Sample((section, smtpUtf8) =>
    {
        var once = Submitted.Repair(section, smtpUtf8);
        if (once.Fault == HeaderFault.None)
        {
            var twice = HeaderRepair.Run(once.Repaired, Submitted.Terms with { SmtpUtf8 = smtpUtf8, MessageId = "other@b.test" });
            Assert.Equal(HeaderFault.None, twice.Fault);
            Assert.False(twice.IsChanged);
            Assert.True(twice.HadMessageId);
            Assert.Equal(once.Senders.AsEnumerable(), twice.Senders);
        }
    }, iter: 10_000);

    [Fact]
    public void RandomOctetsNeverThrow() => Gen.Byte.Array[0, 200].Sample(octets =>
        HeaderRepair.Run((byte[])[.. "From: "u8, .. octets], Submitted.Terms with { SmtpUtf8 = true }));

    /// <summary>Where this parser answers, MimeKit's reads the same authors.</summary>
    [Fact]
    public void AnotherParserReadsTheSameAuthors()
    {
        var taken = 0;
        Piece.Array[1, 6].Select(string.Concat).Sample(value =>
        {
            var header = Submitted.Repair($"From: {value}\r\nSender: s@t.test\r\n\r\n");
            if (header.Fault != HeaderFault.None)
            {
                return;
            }

            Interlocked.Increment(ref taken);
            using var stream = new MemoryStream(header.Repaired.ToArray());
            var read = MimeMessage.Load(stream).From.Mailboxes.Select(m => m.Address);
            Assert.Equal(header.Senders.Where(s => s.Field == "From").Select(s => Unquoted($"{s.Localpart}@{s.Domain}")), read.Select(Unquoted));
        }, iter: 100_000);
        Assert.True(taken > 300, $"Only {taken} lists were read: the generator shows too little.");
    }

    /// <summary>RFC 5321 §4.1.2: a quoted localpart and the same without quotes are one; some leave out quotes that are not needed.</summary>
    private static string Unquoted(string address) =>
        address.StartsWith('"') && address.LastIndexOf("\"@", StringComparison.Ordinal) is > 0 and var end
            ? Escape().Replace(address[1..end], "$1") + address[(end + 1)..]
            : address;

    /// <summary>Lines end in CRLF, each is a field or folded behind one, no line is blank but the last, and blind copies are gone.</summary>
    private static void AssertClean(string text)
    {
        Assert.DoesNotContain('\0', text);
        var lines = text.Split("\r\n");
        Assert.All(lines, line => Assert.Equal(-1, line.AsSpan().IndexOfAny('\r', '\n')));
        var fields = lines[^1].Length == 0 ? lines[..^1] : lines;
        fields = fields[^1].Length == 0 ? fields[..^1] : fields;
        Assert.All(fields, line => Assert.NotEqual("", line.Trim(' ', '\t')));
        var names = fields.Where(line => line[0] is not ' ' and not '\t').Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)].ToUpperInvariant()).ToList();
        Assert.DoesNotContain("BCC", names);
        Assert.DoesNotContain("RESENT-BCC", names);
        Assert.DoesNotContain("RETURN-PATH", names);
        Assert.Single(names, "FROM");
        Assert.Contains("DATE", names);
        Assert.Contains("MESSAGE-ID", names);
    }

    [GeneratedRegex("\\\\(.)", RegexOptions.Singleline | RegexOptions.NonBacktracking)]
    private static partial Regex Escape();
}
