using DnsClient.Protocol;
using MailGrains.Messages.Dns;

namespace MailGrains.Grains.Relay.Destinations.Sts;

/// <summary>The TXT record that says that a domain has a policy, and which (RFC 8461 §3.1).</summary>
internal static class StsRecord
{
    private const string Version = "v=STSv1";
    private const int MaxIdLength = 32;

    /// <summary>The id of the domain's policy; null: there is none, as far as can be known now.</summary>
    public static string? Id(DnsAnswer answer)
    {
        string[] records = [.. answer.Records.OfType<TxtRecord>().Select(r => string.Concat(r.EscapedText)).Where(IsPolicy)];

        // Of several none counts.
        return records.Length == 1 ? Id(records[0]) : null;
    }

    private static bool IsPolicy(string record) =>
        record.StartsWith(Version, StringComparison.Ordinal) && record.AsSpan(Version.Length).TrimStart(" \t").StartsWith(";");

    private static string? Id(string record)
    {
        foreach (var field in record.Split(';').Skip(1))
        {
            var text = field.Trim(' ', '\t');
            if (text.StartsWith("id=", StringComparison.Ordinal))
            {
                var id = text[3..];
                return id.Length is > 0 and <= MaxIdLength && id.All(char.IsAsciiLetterOrDigit) ? id : null;
            }
        }

        return null;
    }
}
