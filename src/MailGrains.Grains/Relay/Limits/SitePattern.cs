namespace MailGrains.Grains.Relay.Limits;

/// <summary>
/// Which sites a setting is for: <c>*</c> all, <c>*.example.com</c> those with a host under example.com, <c>mx.example.com</c> those with this host.
/// Ports do not count.
/// </summary>
internal static class SitePattern
{
    /// <summary>The rule whose pattern is the longest that matches any host of the site; the first of equal ones.</summary>
    public static T? Longest<T>(IReadOnlyList<T> rules, Func<T, string> patternOf, string site)
        where T : class
    {
        T? best = null;
        for (var i = 0; i < rules.Count; i++)
        {
            var pattern = patternOf(rules[i]);
            if ((best is null || pattern.Length > patternOf(best).Length) && Matches(pattern, site))
            {
                best = rules[i];
            }
        }

        return best;
    }

    public static bool Matches(string pattern, string site)
    {
        foreach (var range in site.AsSpan().Split(','))
        {
            if (MatchesHost(pattern, HostOf(site.AsSpan()[range])))
            {
                return true;
            }
        }

        return false;
    }

    public static bool IsValid(string pattern) =>
        pattern == "*" ||
        (pattern.Length > 0 && !pattern.AsSpan(pattern.StartsWith("*.", StringComparison.Ordinal) ? 2 : 0).ContainsAny("*,| ") && pattern != "*.");

    /// <summary>A host that the pattern matches.</summary>
    public static string Sample(string pattern) => pattern.Replace("*", "x", StringComparison.Ordinal);

    private static bool MatchesHost(string pattern, ReadOnlySpan<char> host) =>
        pattern == "*" ||
        (pattern.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase)
            : host.Equals(pattern, StringComparison.OrdinalIgnoreCase));

    /// <summary>Without the port; an address literal keeps its brackets.</summary>
    private static ReadOnlySpan<char> HostOf(ReadOnlySpan<char> host)
    {
        var colon = host.LastIndexOf(':');
        return colon > host.LastIndexOf(']') ? host[..colon] : host;
    }
}
