using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Acme;
using MailGrains.Host.Configuration;
using Microsoft.Extensions.Configuration;

namespace MailGrains.Host.Tests.Configuration;

public sealed class AcmeSettingsTests
{
    [Fact]
    public void Without_a_directory_it_is_off()
    {
        Assert.Null(Read().Directory);
        Assert.Null(Read(("Acme:Directory", ""), ("Acme:Contact", ""), ("Acme:PublicAddresses:0", "")).Directory);
    }

    [Fact]
    public void The_host_name_is_one_of_the_names_and_all_are_normal()
    {
        var options = Read(
            ("Acme:Directory", "https://acme.example/dir"), ("Acme:Contact", "ops@example.org"), ("Acme:Names:0", "WWW.Bücher.example"), ("Acme:Names:1", "mx.example.org"),
            ("Acme:PublicAddresses:0", "192.0.2.1"), ("Acme:PublicAddresses:1", "2001:db8::1"), ("Acme:StartAfter", "00:03:00"));

        Assert.Equal(["mx.example.org", "www.xn--bcher-kva.example"], options.Names);
        Assert.Equal(new Uri("https://acme.example/dir"), options.Directory);
        Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")], options.PublicAddresses);
        Assert.Equal("ops@example.org", options.Contact);
        Assert.Equal(TimeSpan.FromMinutes(3), options.StartAfter);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("192.0.2.1")]
    public void A_host_name_that_no_authority_knows_is_left_out(string hostName)
    {
        Assert.Empty(AcmeSettings.Read(Settings(("Acme:Directory", "https://acme.example/dir")), hostName).Names);
    }

    [Theory]
    [InlineData("Acme:Directory", "http://acme.example/dir")]
    [InlineData("Acme:Directory", "acme.example")]
    [InlineData("Acme:Contact", "nobody")]
    [InlineData("Acme:Contact", "mailto:ann@example.com")]
    [InlineData("Acme:Contact", "MAILTO:ann@example.com")]
    [InlineData("Acme:Names:0", "localhost")]
    [InlineData("Acme:Names:0", "two words.test")]
    [InlineData("Acme:PublicAddresses:0", "mx.example.org")]
    [InlineData("Acme:TrustedRoot", "/nowhere/root.pem")]
    [InlineData("Acme:LookAfter", "soon")]
    public void What_can_not_be_used_is_named(string name, string value)
    {
        var failure = Assert.Throws<SettingsException>(() => Read((name, value)));

        Assert.Contains("MailGrains:" + name.Replace(":0", "", StringComparison.Ordinal), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trusted_root_is_read_and_a_file_without_one_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        var path = Path.GetTempFileName();
        try
        {
            Assert.Throws<SettingsException>(() => Read(("Acme:TrustedRoot", path)));
            File.WriteAllText(path, root.ExportCertificatePem());
            Assert.Equal(root.ExportCertificatePem(), Read(("Acme:TrustedRoot", path)).TrustedRoot);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static AcmeOptions Read(params (string Name, string Value)[] settings) => AcmeSettings.Read(Settings(settings), "mx.example.org");

    private static SettingsReader Settings(params (string Name, string Value)[] settings) => new(
        new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"MailGrains:{s.Name}", (string?)s.Value)))
            .Build());
}
