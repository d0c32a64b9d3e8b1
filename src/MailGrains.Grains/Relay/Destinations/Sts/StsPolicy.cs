using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using MailGrains.Contracts.Directory;

namespace MailGrains.Grains.Relay.Destinations.Sts;

/// <summary>RFC 8461 §5.</summary>
internal enum StsMode
{
    None = 0,
    Testing = 1,
    Enforce = 2,
}

/// <summary>A policy as a domain publishes it (RFC 8461 §3.2).</summary>
/// <param name="Mx">Host names in lower case, some of them <c>*.</c> and a domain.</param>
/// <param name="MaxAge">How long it holds from when it was fetched.</param>
internal sealed record StsPolicy(StsMode Mode, ImmutableArray<string> Mx, TimeSpan MaxAge)
{
    /// <summary>Of text; RFC 8461 §3.2 suggests no more.</summary>
    public const int MaxBytes = 64 * 1024;

    // A record of it, or of a report on it, must fit into a property of a row.
    private const int MaxPatterns = 64;
    private const int MaxNameLength = 32;
    private const int MaxAgeDigits = 10;
    private const long MaxAgeSeconds = 31_557_600;

    /// <summary>As in the policy's text.</summary>
    public IEnumerable<string> Lines =>
    [
        "version: STSv1", $"mode: {Mode.ToString().ToLowerInvariant()}", .. Mx.Select(mx => $"mx: {mx}"),
        string.Create(CultureInfo.InvariantCulture, $"max_age: {(long)MaxAge.TotalSeconds}"),
    ];

    /// <summary>RFC 8461 §4.1: a wildcard stands for one label, the first.</summary>
    public bool Names(string host) => Mx.Any(pattern => pattern.StartsWith("*.", StringComparison.Ordinal)
        ? host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase) && host.IndexOf('.', StringComparison.Ordinal) is var label and > 0 &&
            label == host.Length - pattern.Length + 1
        : host.Equals(pattern, StringComparison.OrdinalIgnoreCase));

    /// <param name="fault">What is wrong with it, in our words.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out StsPolicy? policy, [NotNullWhen(false)] out string? fault)
    {
        policy = null;
        fault = null;
        string? version = null, mode = null, maxAge = null;
        var patterns = ImmutableArray.CreateBuilder<string>();
        foreach (var line in Encoding.Latin1.GetString(text).Split('\n'))
        {
            if (line.AsSpan().Trim(" \t\r").IsEmpty)
            {
                continue;
            }

            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !IsFieldName(line.AsSpan(0, colon)))
            {
                fault = "a line is no field";
                return false;
            }

            var value = line[(colon + 1)..].Trim(' ', '\t', '\r');
            switch (line[..colon])
            {
                // RFC 8461 §3.2: of fields other than mx the first counts; unknown ones do not.
                case "version":
                    version ??= value;
                    break;
                case "mode":
                    mode ??= value;
                    break;
                case "max_age":
                    maxAge ??= value;
                    break;
                case "mx" when TryReadPattern(value, out var pattern) && patterns.Count < MaxPatterns:
                    patterns.Add(pattern);
                    break;
                case "mx":
                    fault = "a name of a mail server is none, or there are too many";
                    return false;
            }
        }

        fault = Check(version, mode, maxAge, patterns.Count);
        policy = fault is null ? new StsPolicy(ModeOf(mode)!.Value, patterns.ToImmutable(), AgeOf(maxAge)!.Value) : null;
        return policy is not null;
    }

    private static string? Check(string? version, string? mode, string? maxAge, int patterns) =>
        version != "STSv1" ? "its version is not STSv1"
        : ModeOf(mode) is not { } known ? "its mode is unknown"
        : AgeOf(maxAge) is null ? "its max_age is no number"
        : known != StsMode.None && patterns == 0 ? "it names no mail server"
        : null;

    private static StsMode? ModeOf(string? mode) => mode switch
    {
        "enforce" => StsMode.Enforce,
        "testing" => StsMode.Testing,
        "none" => StsMode.None,
        _ => null,
    };

    private static TimeSpan? AgeOf(string? maxAge) =>
        maxAge is { Length: > 0 and <= MaxAgeDigits } && long.TryParse(maxAge, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, MaxAgeSeconds))
            : null;

    private static bool TryReadPattern(string value, [NotNullWhen(true)] out string? pattern)
    {
        pattern = null;
        var isWildcard = value.StartsWith("*.", StringComparison.Ordinal);
        if (!Ascii.IsValid(value) || !AddressName.TryNormalizeDomain(isWildcard ? value[2..] : value, out var name))
        {
            return false;
        }

        pattern = isWildcard ? "*." + name : name;
        return true;
    }

    // A letter or digit, then those, '_', '-' or '.'; at most 32.
    private static bool IsFieldName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > MaxNameLength || !char.IsAsciiLetterOrDigit(name[0]))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-' or '.'))
            {
                return false;
            }
        }

        return true;
    }
}
