using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MailGrains.Gateways.Connections;

/// <summary>Version 1 (§2.1): one line of text, <c>PROXY TCP4 192.0.2.1 198.51.100.1 40000 25</c>.</summary>
internal static class ProxyHeaderV1
{
    /// <summary>With CRLF (§2.1).</summary>
    private const int MaxLineBytes = 107;

    private static ReadOnlySpan<byte> Start => "PROXY "u8;

    public static ProxyParse Parse(ReadOnlySpan<byte> arrived, out ProxyHeader? header, out int length)
    {
        (header, length) = (null, 0);
        if (!ProxyHeaderParser.Begins(arrived, Start))
        {
            return ProxyParse.Invalid;
        }

        var line = arrived[..Math.Min(arrived.Length, MaxLineBytes)];
        var end = line.IndexOf((byte)'\n');
        if (end < 0)
        {
            return line.Length < MaxLineBytes ? ProxyParse.NeedMore : ProxyParse.Invalid;
        }

        length = end + 1;
        header = end > 0 && line[end - 1] == '\r' ? ParseFields(Encoding.Latin1.GetString(line[Start.Length..(end - 1)])) : null;
        return header is null ? ProxyParse.Invalid : ProxyParse.Done;
    }

    private static ProxyHeader? ParseFields(string text)
    {
        var fields = text.Split(' ');
        if (fields[0] == "UNKNOWN")
        {
            // Whatever follows on the line is to be ignored.
            return ProxyHeader.WithoutAddress;
        }

        AddressFamily? family = fields[0] switch { "TCP4" => AddressFamily.InterNetwork, "TCP6" => AddressFamily.InterNetworkV6, _ => null };
        return family is { } known && fields.Length == 5 && EndPoint(known, fields[1], fields[3]) is { } source &&
            EndPoint(known, fields[2], fields[4]) is { } destination
            ? new ProxyHeader(source, destination)
            : null;
    }

    private static IPEndPoint? EndPoint(AddressFamily family, string address, string port) =>
        IPAddress.TryParse(address, out var parsed) && parsed.AddressFamily == family && IsPlain(parsed, address) &&
        ushort.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new IPEndPoint(parsed, number)
            : null;

    // IPAddress also takes "1", hexadecimal and octal numbers, brackets and scopes.
    private static bool IsPlain(IPAddress parsed, string text) =>
        parsed.AddressFamily == AddressFamily.InterNetwork ? parsed.ToString() == text : text.AsSpan().IndexOfAny('[', '%', '/') < 0;
}
