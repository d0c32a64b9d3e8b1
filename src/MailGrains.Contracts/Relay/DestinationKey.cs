namespace MailGrains.Contracts.Relay;

/// <summary>
/// Names what the limits of <see cref="IDestinationGrain"/> count for: an MX site, and where there are several source addresses one of them. Its text
/// is the grain's key: <c>site</c> or <c>site|source</c>.
/// </summary>
/// <param name="Site">
/// The site's hosts in order of preference, or the smart host: names in lower case or address literals, each with <c>:port</c> where it is not 25, with
/// commas between, such as <c>mx1.example.com,mx2.example.com</c>.
/// </param>
/// <param name="Source">The local address that connections come from; null: the machine's choice.</param>
public readonly record struct DestinationKey(string Site, string? Source)
{
    public override string ToString() => Source is null ? Site : $"{Site}|{Source}";

    public static DestinationKey Parse(string text)
    {
        var bar = text.IndexOf('|', StringComparison.Ordinal);
        return bar < 0 ? new DestinationKey(text, null) : new DestinationKey(text[..bar], text[(bar + 1)..]);
    }
}
