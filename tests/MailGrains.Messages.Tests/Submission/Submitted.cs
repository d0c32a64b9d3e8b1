using System.Text;
using MailGrains.Messages.Submission;

namespace MailGrains.Messages.Tests.Submission;

/// <summary>Headers as clients submit them.</summary>
internal static class Submitted
{
    public static readonly RepairTerms Terms = new(SmtpUtf8: false, new DateTimeOffset(2025, 11, 5, 8, 2, 3, TimeSpan.FromHours(1)), "f00d@mx.example.test");

    /// <summary>What a repair of it adds at the end.</summary>
    public const string Added = "Date: Wed, 05 Nov 2025 07:02:03 +0000\r\nMessage-ID: <f00d@mx.example.test>\r\n";

    public static SubmittedHeader Repair(string section, bool smtpUtf8 = false) =>
        HeaderRepair.Run(Encoding.UTF8.GetBytes(section), Terms with { SmtpUtf8 = smtpUtf8 });

    public static SubmittedHeader From(string value, bool smtpUtf8 = false) => Repair($"From: {value}\r\n\r\n", smtpUtf8);

    public static string Text(SubmittedHeader header) => Encoding.UTF8.GetString(header.Repaired.Span);
}
