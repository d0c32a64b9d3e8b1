using MailGrains.Gateways.Tls;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class TlsSettingsTests
{
    [Fact]
    public void Certificates_are_a_list_of_files()
    {
        Assert.Equal(
            [
                new CertificateFile("/etc/tls/a.pem"),
                new CertificateFile(Path.GetFullPath("b.pem"), "/etc/tls/b.key", "open sesame"),
            ],
            Read(
                ("Tls:Certificates:0:Path", "/etc/tls/a.pem"),
                ("Tls:Certificates:1:Path", "b.pem"), ("Tls:Certificates:1:KeyPath", "/etc/tls/b.key"), ("Tls:Certificates:1:Password", "open sesame")));
        Assert.Empty(Read());
    }

    [Fact]
    public void A_certificate_without_a_path_is_named()
    {
        var failure = Assert.Throws<SettingsException>(() => Read(("Tls:Certificates:0:KeyPath", "/etc/tls/a.key")));

        Assert.Contains("MailGrains:Tls:Certificates:0:Path", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_keys_password_is_not_in_its_text()
    {
        Assert.Equal("/a.pem", new CertificateFile("/a.pem", "/a.key", "topsecret").ToString());
    }

    private static IReadOnlyList<CertificateFile> Read(params (string Name, string Value)[] settings) => TlsSettings.ReadCertificates(new SettingsReader(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:{s.Name}", (string?)s.Value)))
            .Build()));
}
