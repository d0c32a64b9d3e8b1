using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Configuration;

/// <summary>Reads single values; an empty value counts as absent. Throws <see cref="SettingsException"/> with the setting's full name.</summary>
internal sealed class SettingsReader(IConfiguration configuration)
{
    public const string Root = "MailGrains";

    public string? Text(string name) => configuration[$"{Root}:{name}"] is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

    public bool Flag(string name, bool absent) => Text(name) switch
    {
        null => absent,
        var value when bool.TryParse(value, out var flag) => flag,
        var value => throw Wrong(name, value, "true or false"),
    };

    public long Whole(string name, long absent, long least, long most)
    {
        if (Text(name) is not { } value)
        {
            return absent;
        }

        return long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw Wrong(name, value, $"a whole number from {least} to {most}");
    }

    /// <summary><c>hh:mm:ss</c>, not negative.</summary>
    public TimeSpan Time(string name, TimeSpan absent, TimeSpan most) => Text(name) switch
    {
        null => absent,
        var value when TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.Zero && time <= most => time,
        var value => throw Wrong(name, value, $"a time hh:mm:ss up to {most}"),
    };

    public IPAddress Address(string name, IPAddress absent) => Text(name) switch
    {
        null => absent,
        var value when IPAddress.TryParse(value, out var address) => address,
        var value => throw Wrong(name, value, "an IP address"),
    };

    /// <summary><c>address:port</c>; null where the setting is there but empty, which turns the listener off.</summary>
    public IPEndPoint? Listener(string name, IPEndPoint? absent)
    {
        if (configuration[$"{Root}:{name}"] is not { } value)
        {
            return absent;
        }

        value = value.Trim();
        if (value.Length == 0)
        {
            return null;
        }

        // IPEndPoint takes an address without a port, and reads a bare number as an IPv4 address.
        return value.LastIndexOf(':') > value.LastIndexOf(']') && value.IndexOfAny(['.', ']']) >= 0 && IPEndPoint.TryParse(value, out var endPoint)
            ? endPoint
            : throw Wrong(name, value, "address:port, such as 127.0.0.1:2525 or [::1]:2525, or nothing to turn it off");
    }

    /// <summary>Something is said of it, be it that it is empty.</summary>
    public bool Has(string name) => configuration.GetSection($"{Root}:{name}").Exists();

    public IReadOnlyList<string> List(string name) =>
        [.. configuration.GetSection($"{Root}:{name}").GetChildren().Select(c => c.Value?.Trim()).OfType<string>().Where(v => v.Length > 0)];

    /// <summary>The names of a list's entries, such as <c>Tls:Certificates:0</c>.</summary>
    public IReadOnlyList<string> Entries(string name) =>
        [.. configuration.GetSection($"{Root}:{name}").GetChildren().Select(c => $"{name}:{c.Key}")];

    public static SettingsException Wrong(string name, string value, string expected) =>
        new($"{Root}:{name} is '{value}'; expected is {expected}.");
}
