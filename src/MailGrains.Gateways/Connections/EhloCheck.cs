using System.Net;
using System.Net.Sockets;
using MailGrains.Gateways.Connections.Lookups;

namespace MailGrains.Gateways.Connections;

/// <summary>What a client's EHLO name is worth: facts only. RFC 5321 §4.1.4: mail is not refused for them alone.</summary>
/// <param name="IsFullyQualified">A domain name of at least two labels.</param>
/// <param name="IsOwnLiteral">An address literal, of the very address it comes from.</param>
/// <param name="IsForeignLiteral">An address literal of another address.</param>
/// <param name="ClaimsOurName">It says that it is this server: our host name, a name that is hosted here, our address, or localhost.</param>
/// <param name="IsReverseName">The confirmed name of its address.</param>
public readonly record struct EhloCheck(bool IsFullyQualified, bool IsOwnLiteral, bool IsForeignLiteral, bool ClaimsOurName, bool IsReverseName)
{
    private const int MaxLabelLength = 63;
    private const int MaxNameLength = 253;

    /// <param name="local">Our address of the connection.</param>
    /// <param name="isHosted">Whether the name is a domain of ours.</param>
    public static EhloCheck Of(string name, IPAddress peer, IPAddress? local, string hostName, ReverseName reverseName, bool isHosted)
    {
        var domain = name.EndsWith('.') ? name[..^1] : name;
        if (TryParseLiteral(name, out var literal))
        {
            var isOwn = literal.Equals(NetworkList.Plain(peer));
            return new EhloCheck(false, isOwn, !isOwn, !isOwn && local is not null && literal.Equals(NetworkList.Plain(local)), false);
        }

        return new EhloCheck(
            IsDomain(domain), false, false,
            Same(domain, hostName) || Same(domain, "localhost") || isHosted,
            reverseName is { Status: ReverseNameStatus.Confirmed, Name: { } confirmed } && Same(domain, confirmed));
    }

    // RFC 5321 §4.1.3
    private static bool TryParseLiteral(string name, out IPAddress address)
    {
        address = IPAddress.None;
        if (name.Length < 2 || name[0] != '[' || name[^1] != ']')
        {
            return false;
        }

        const string Tag = "IPv6:";
        var isTagged = name.AsSpan(1).StartsWith(Tag, StringComparison.OrdinalIgnoreCase);
        var text = isTagged ? name[(1 + Tag.Length)..^1] : name[1..^1];
        if (!IPAddress.TryParse(text, out var parsed) || parsed.AddressFamily != (isTagged ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork))
        {
            return false;
        }

        address = NetworkList.Plain(parsed);
        return true;
    }

    private static bool IsDomain(string name) =>
        name.Length <= MaxNameLength && name.Contains('.', StringComparison.Ordinal) && name.Split('.').All(IsLabel) && !name.All(c => char.IsAsciiDigit(c) || c == '.');

    // Letters of other scripts too: RFC 6531 §3.7.1.
    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= MaxLabelLength && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || c > 127);

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);
}
