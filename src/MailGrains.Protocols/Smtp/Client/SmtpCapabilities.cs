using System.Globalization;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>What a server offered in its last reply to EHLO; after HELO nothing.</summary>
public sealed record SmtpCapabilities
{
    public static SmtpCapabilities None { get; } = new();

    /// <summary>RFC 2920.</summary>
    public bool Pipelining { get; init; }

    /// <summary>SIZE (RFC 1870); null: not offered, 0: without a limit.</summary>
    public long? Size { get; init; }

    /// <summary>RFC 6152.</summary>
    public bool EightBitMime { get; init; }

    /// <summary>RFC 6531.</summary>
    public bool SmtpUtf8 { get; init; }

    /// <summary>RFC 3030.</summary>
    public bool Chunking { get; init; }

    /// <summary>RFC 3030; with CHUNKING only.</summary>
    public bool BinaryMime { get; init; }

    /// <summary>RFC 3461.</summary>
    public bool Dsn { get; init; }

    /// <summary>RFC 3207.</summary>
    public bool StartTls { get; init; }

    /// <summary>RFC 8689.</summary>
    public bool RequireTls { get; init; }

    /// <summary>RFC 2034.</summary>
    public bool EnhancedStatusCodes { get; init; }

    /// <summary>DELIVERBY (RFC 2852); null: not offered, else the shortest time that is taken, which may be zero.</summary>
    public TimeSpan? DeliverBy { get; init; }

    /// <summary>RFC 6710.</summary>
    public bool MtPriority { get; init; }

    /// <summary>Mechanisms (RFC 4954), also those of servers that write <c>AUTH=</c>.</summary>
    public IReadOnlyList<string> Auth { get; init; } = [];

    /// <summary>RCPTMAX (RFC 9422): recipients a transaction.</summary>
    public int? MaxRecipients { get; init; }

    /// <summary>MAILMAX (RFC 9422): transactions a connection.</summary>
    public int? MaxMails { get; init; }

    /// <summary>What is not understood is passed over (RFC 5321 §4.1.1.1).</summary>
    internal static SmtpCapabilities Read(IReadOnlyList<string> lines)
    {
        var found = None;
        foreach (var line in lines)
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
            {
                found = found.With(words[0].ToUpperInvariant(), words[1..]);
            }
        }

        return found with { BinaryMime = found.BinaryMime && found.Chunking };
    }

    private SmtpCapabilities With(string keyword, string[] words) => keyword switch
    {
        "PIPELINING" => this with { Pipelining = true },
        "SIZE" => this with { Size = Number(words) ?? 0 },
        "8BITMIME" => this with { EightBitMime = true },
        "SMTPUTF8" => this with { SmtpUtf8 = true },
        "CHUNKING" => this with { Chunking = true },
        "BINARYMIME" => this with { BinaryMime = true },
        "DSN" => this with { Dsn = true },
        "STARTTLS" => this with { StartTls = true },
        "REQUIRETLS" => this with { RequireTls = true },
        "ENHANCEDSTATUSCODES" => this with { EnhancedStatusCodes = true },
        "DELIVERBY" => this with { DeliverBy = TimeSpan.FromSeconds(Math.Min(Number(words) ?? 0, int.MaxValue)) },
        "MT-PRIORITY" => this with { MtPriority = true },
        "AUTH" => this with { Auth = [.. Auth, .. words] },
        "LIMITS" => WithLimits(words),
        _ when keyword.StartsWith("AUTH=", StringComparison.Ordinal) => this with { Auth = [.. Auth, keyword[5..], .. words] },
        _ => this,
    };

    /// <summary>RFC 9422 §4: name=value, of which those without a value that we know are passed over.</summary>
    private SmtpCapabilities WithLimits(string[] words)
    {
        var found = this;
        foreach (var word in words)
        {
            var equals = word.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && Number([word[(equals + 1)..]]) is > 0 and var limit)
            {
                var number = (int)Math.Min(limit, int.MaxValue);
                found = word[..equals].ToUpperInvariant() switch
                {
                    "RCPTMAX" => found with { MaxRecipients = number },
                    "MAILMAX" => found with { MaxMails = number },
                    _ => found,
                };
            }
        }

        return found;
    }

    private static long? Number(string[] words) =>
        words.Length > 0 && long.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
