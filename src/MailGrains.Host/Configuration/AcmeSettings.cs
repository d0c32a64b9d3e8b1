using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Acme;

namespace MailGrains.Host.Configuration;

/// <summary>Certificates that are ordered: <c>MailGrains:Acme</c>.</summary>
internal static class AcmeSettings
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromDays(1);

    /// <exception cref="SettingsException">A value can't be used.</exception>
    public static AcmeOptions Read(SettingsReader settings, string hostName)
    {
        var absent = new AcmeOptions();
        return new AcmeOptions
        {
            Directory = ReadDirectory(settings),
            Contact = ReadContact(settings),
            Names = ReadNames(settings, hostName),
            PublicAddresses = [.. settings.List("Acme:PublicAddresses").Select(ReadAddress)],
            TrustedRoot = ReadRoot(settings),
            StartAfter = settings.Time("Acme:StartAfter", absent.StartAfter, LongestPeriod),
            WalkPeriod = settings.Time("Acme:LookAfter", absent.WalkPeriod, LongestPeriod),
        };
    }

    private static Uri? ReadDirectory(SettingsReader settings) => settings.Text("Acme:Directory") switch
    {
        null => null,
        var value when Uri.TryCreate(value, UriKind.Absolute, out var url) &&
            (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback)) => url,
        var value => throw SettingsReader.Wrong("Acme:Directory", value, "the https address of an authority's directory"),
    };

    private static string? ReadContact(SettingsReader settings) => settings.Text("Acme:Contact") switch
    {
        null => null,
        // A URL of mailto reads as an address, too: its localpart has a colon.
        var value when AddressName.TryParse(value, out _) && !value.StartsWith("mailto:", StringComparison.OrdinalIgnoreCase) => value,
        var value => throw SettingsReader.Wrong("Acme:Contact", value, "a mail address, without mailto:"),
    };

    // A name without a dot, or an address, is nobody's to have a certificate for.
    private static IReadOnlyList<string> ReadNames(SettingsReader settings, string hostName)
    {
        string[] names = [.. settings.List("Acme:Names").Select(name =>
            AddressName.TryNormalizeDomain(name, out var normal) && normal.Contains('.', StringComparison.Ordinal)
                ? normal
                : throw SettingsReader.Wrong("Acme:Names", name, "a list of domain names"))];
        return hostName.Contains('.', StringComparison.Ordinal) && !IPAddress.TryParse(hostName, out _) ? [.. names.Prepend(hostName).Distinct()] : [.. names.Distinct()];
    }

    private static IPAddress ReadAddress(string value) => IPAddress.TryParse(value, out var address)
        ? address
        : throw SettingsReader.Wrong("Acme:PublicAddresses", value, "a list of IP addresses");

    private static string? ReadRoot(SettingsReader settings)
    {
        if (settings.Text("Acme:TrustedRoot") is not { } path)
        {
            return null;
        }

        try
        {
            var pem = File.ReadAllText(path);
            var roots = new X509Certificate2Collection();
            roots.ImportFromPem(pem);
            return roots.Count > 0 ? pem : throw SettingsReader.Wrong("Acme:TrustedRoot", path, "a file of certificates in PEM");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new SettingsException($"{SettingsReader.Root}:Acme:TrustedRoot is '{path}': {e.Message}");
        }
    }
}
