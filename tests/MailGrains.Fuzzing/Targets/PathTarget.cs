using System.Text;
using MailGrains.Fuzzing.Loop;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Smtp.Commands;
using MailGrains.Protocols.Smtp.Parameters;
using MailGrains.Protocols.Wire;

namespace MailGrains.Fuzzing.Targets;

/// <summary>The arguments of MAIL, RCPT and EHLO with their parameters, and xtext; the first octet says which.</summary>
internal static class PathTarget
{
    private static readonly ParameterRules Rules = new((SmtpExtensions)(-1), TakesAuth: true, IsSecure: true)
    {
        Now = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero),
        MaxHold = TimeSpan.FromDays(30),
        MinDeliverBy = TimeSpan.FromSeconds(60),
    };

    public static FuzzTarget Target { get; } = new(
        "path",
        Octets.All(
            "\0FROM:<a@b.test> SIZE=10 BODY=8BITMIME SMTPUTF8 AUTH=a+2Bb@c.test", "\0FROM:<>", "\0FROM:<\"a b\\\"\"@[192.0.2.1]> BODY=BINARYMIME", "\0FROM: <@r.test,@s.test:a@b>",
            "\u0001TO:<Postmaster>", "\u0001TO:<a@[IPv6:2001:db8::1]>", "\u0001TO:<\u00C3\u00BC@\u00C3\u00A4.test>", "\u0002client.example", "\u0002[192.0.2.1]", "\u0003a+3Db",
            "\0FROM:<a@b.test> RET=HDRS ENVID=a+20b", "\u0001TO:<a@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c.test", "\u0001TO:<a@b.test> ORCPT=utf-8;\\x{20AC}@\u00C3\u00A4.test",
            "\0FROM:<a@b.test> HOLDFOR=3600 BY=7200;RT", "\0FROM:<a@b.test> HOLDUNTIL=2000-01-02T03:04:05.6+01:30 MT-PRIORITY=-3 REQUIRETLS", "\0FROM:<a@b.test> BY=-9;N"),
        Octets.All(
            "FROM:", "TO:", "<", ">", "<>", "@", "\"", "\\", "[", "]", "IPv6:", "::1", ":", ",", ".", "..", "<Postmaster>", " SIZE=", " BODY=", "7BIT", "8BITMIME", "BINARYMIME",
            " SMTPUTF8", " AUTH=", "<>", "+", "+3D", "+2B", "=", " ", "\t", "99999999999999999999", "\u00C3\u00BC", "\u00C2\u0085", "\u00FF", "%eth0", "255.255.255.255", " RET=", "FULL", "HDRS",
            " ENVID=", " NOTIFY=", "NEVER", "SUCCESS", "FAILURE", "DELAY", " ORCPT=", "rfc822;", "utf-8;", "\\x{", "\\x{20AC}", "}",
            " HOLDFOR=", " HOLDUNTIL=", "2000-01-02T03:04:05", "Z", ".6", "-01:30", "9999-12-31T23:59:59", " BY=", ";R", ";NT", "-", " MT-PRIORITY=", " REQUIRETLS", new string('a', 64)),
        Run);

    private static void Run(byte[] input)
    {
        var arguments = Packets.Content(input);
        switch (input.Length == 0 ? 0 : input[0] % 4)
        {
            case 0:
                if (MailCommand.Parse(arguments, Rules, out var reversePath, out var parameters) is null)
                {
                    CheckMailbox(reversePath.Mailbox, reversePath.Text, parameters.SmtpUtf8);
                    CheckParameters(parameters);
                }

                break;
            case 1:
                if (RcptCommand.Parse(arguments, Rules, smtpUtf8: arguments.Length % 2 == 0, out var forwardPath, out var recipient) is null)
                {
                    CheckMailbox(forwardPath.Mailbox, forwardPath.Text, arguments.Length % 2 == 0);
                    CheckParameters(recipient);
                }

                break;
            case 2:
                var decoder = new TextDecoder(arguments);
                var name = PathDecoder.ExpectHelloName(ref decoder);
                decoder.ExpectEnd();
                Check.That(decoder.Failed || (name.Length > 0 && name.Length <= 257 && !name.Any(c => char.IsControl(c) || c is ' ' or '<' or '>')), $"the name {name}");
                break;
            default:
                CheckXtext(arguments);
                break;
        }
    }

    /// <summary>The text of a path is read again as the same mailbox, and nothing in it could break out of a header field or a log.</summary>
    private static void CheckMailbox(Mailbox? read, string text, bool smtpUtf8)
    {
        if (read is not { } mailbox)
        {
            return;
        }

        Check.That(Encoding.UTF8.GetByteCount(mailbox.Localpart) is > 0 and <= PathDecoder.MaxLocalpartBytes, "an empty or long localpart");
        Check.That(Encoding.UTF8.GetByteCount(mailbox.Domain) is > 0 and <= 257, "an empty or long domain");
        Check.That(!$"{mailbox.Localpart}{mailbox.Domain}{text}".Any(char.IsControl), "a control character");
        Check.That(smtpUtf8 || mailbox.IsAscii, "beyond ASCII without SMTPUTF8");
        var refusal = RcptCommand.Parse(Encoding.UTF8.GetBytes($"TO:<{text}>"), Rules, smtpUtf8, out var again, out _);
        Check.That(refusal is null && again.Mailbox == mailbox && again.Text == text, $"{text} is not read again as itself");
        refusal = RcptCommand.Parse(Encoding.UTF8.GetBytes($"TO:<{mailbox}>"), Rules, smtpUtf8, out again, out _);
        Check.That(refusal is null && again.Mailbox == mailbox, $"{mailbox} as it is written is not read again as itself");
    }

    /// <summary>They go into header fields of reports and into logs.</summary>
    private static void CheckParameters(MailParameters parameters)
    {
        Check.That(parameters.Size is null or >= 0, "a size below 0");
        Check.That(parameters.Auth?.Any(char.IsControl) != true, "a control character in AUTH");
        Check.That(parameters.EnvelopeId is not "" && parameters.EnvelopeId?.All(c => c is >= ' ' and <= '~') != false, "an ENVID that is no text");
        Check.That(parameters.Priority is >= -9 and <= 9, "a priority beyond 9");
        Check.That(parameters.FutureRelease is not { } release || (release.ReleaseAt > Rules.Now && release.ReleaseAt <= Rules.Now + Rules.MaxHold), "a hold out of range");
        Check.That(parameters.FutureRelease?.Request.All(c => c is > ' ' and <= '~') != false, "a hold that is no text");
        Check.That(parameters.DeliverBy is not { Returns: true } by || by.At >= Rules.Now + Rules.MinDeliverBy, "a deadline that can't be kept");
        Check.That(!(parameters.FutureRelease?.ReleaseAt > parameters.DeliverBy?.At), "a hold beyond the deadline");
    }

    private static void CheckParameters(RcptParameters parameters)
    {
        Check.That((parameters.Notify & DsnNotify.Never) == 0 || parameters.Notify == DsnNotify.Never, "NEVER and something else");
        if (parameters.OriginalRecipient is { } original)
        {
            Check.That(original.AddressType.Length > 0 && original.Address.Length > 0 && !original.ToString().Any(char.IsControl), "an ORCPT that is no text");
        }
    }

    private static void CheckXtext(ReadOnlySpan<byte> value)
    {
        if (Xtext.Decode(value) is not { } text)
        {
            return;
        }

        Check.That(text.Length > 0 && !text.Any(char.IsControl), "xtext with a control character");
        var encoded = string.Concat(Encoding.UTF8.GetBytes(text).Select(octet => $"+{octet:X2}"));
        Check.That(Xtext.Decode(Octets.Of(encoded)) == text, "xtext is not read again as itself");
    }
}
