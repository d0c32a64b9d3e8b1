using MailGrains.Gateways.Tls;

namespace MailGrains.Host.Configuration;

/// <summary><c>MailGrains:Tls</c>.</summary>
internal static class TlsSettings
{
    /// <exception cref="SettingsException">A certificate has no path.</exception>
    public static IReadOnlyList<CertificateFile> ReadCertificates(SettingsReader settings) =>
        [.. settings.Entries("Tls:Certificates").Select(entry => ReadCertificate(settings, entry))];

    private static CertificateFile ReadCertificate(SettingsReader settings, string entry) => new(
        Path.GetFullPath(settings.Text($"{entry}:Path") ?? throw SettingsReader.Wrong($"{entry}:Path", "", "the path of a PEM file")),
        settings.Text($"{entry}:KeyPath") is { } key ? Path.GetFullPath(key) : null,
        settings.Text($"{entry}:Password"));
}
