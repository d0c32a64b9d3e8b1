using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailGrains.Gateways.Filters;

namespace MailGrains.Host.Configuration;

/// <summary><c>MailGrains:Filters</c>: which filters look at mail. A filter without an address is off.</summary>
internal static class FilterSettings
{
    private const long Mebibyte = 1024 * 1024;

    // What the system's socket addresses hold (unix(7)).
    private const int MaxSocketPath = 107;

    // RFC 5321 §4.5.3.2.6: a client waits ten minutes for the reply to its data.
    private static readonly TimeSpan MostTime = TimeSpan.FromMinutes(5);

    public static FilterOptions Read(SettingsReader settings) => new()
    {
        Submission = settings.Flag("Filters:Submission", absent: true),
        Rspamd = settings.Text("Filters:Rspamd:Url") is { } url
            ? new RspamdOptions(
                UrlOf("Filters:Rspamd:Url", url), settings.Text("Filters:Rspamd:Password"),
                LimitsOf(settings, "Filters:Rspamd", seconds: 10, FilterAction.Accept, 50 * Mebibyte))
            : null,
        Clamd = settings.Text("Filters:Clamd:Address") is { } address
            ? new ClamdOptions(
                AddressOf("Filters:Clamd:Address", address), LimitsOf(settings, "Filters:Clamd", seconds: 30, FilterAction.Defer, 1024 * Mebibyte))
            : null,
    };

    private static FilterLimits LimitsOf(SettingsReader settings, string section, int seconds, FilterAction onFailure, long maxBytes) => new(
        TimeOf(settings, $"{section}:Timeout", TimeSpan.FromSeconds(seconds)),
        settings.Text($"{section}:OnFailure")?.ToLowerInvariant() switch
        {
            null => onFailure,
            "accept" => FilterAction.Accept,
            "defer" => FilterAction.Defer,
            var other => throw SettingsReader.Wrong($"{section}:OnFailure", other, "accept or defer"),
        },
        settings.Whole($"{section}:MaxBytes", maxBytes, 1024, 1024 * Mebibyte));

    private static TimeSpan TimeOf(SettingsReader settings, string name, TimeSpan absent) =>
        settings.Time(name, absent, MostTime) is { Ticks: > 0 } time ? time : throw SettingsReader.Wrong(name, "00:00:00", "some time");

    private static Uri UrlOf(string name, string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw SettingsReader.Wrong(name, value, "a URL such as http://127.0.0.1:11333");

    /// <summary>A socket's path, or <c>host:port</c>.</summary>
    private static EndPoint AddressOf(string name, string value)
    {
        if (value.StartsWith('/') && value.Length <= MaxSocketPath)
        {
            return new UnixDomainSocketEndPoint(value);
        }

        var colon = value.LastIndexOf(':');
        if (colon <= 0 || !ushort.TryParse(value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
        {
            throw SettingsReader.Wrong(name, value, "a socket's path, or host:port such as 127.0.0.1:3310");
        }

        var host = value[..colon].Trim('[', ']');
        return IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);
    }
}
